/** `facet space fit` and `facet space list`: latent spaces over the library. */
import { type Command, Option } from "commander";
import { Form } from "../../src-preload/contract/common.ts";
import { FitResult } from "../../src-preload/contract/spaces.ts";
import { jobResult, type StudioClient, type Surroundings, withStudio } from "./command.ts";
import { findLoras } from "./find.ts";
import { byteText, facts, shareText, table } from "./output.ts";
import { wholeNumber } from "./parse.ts";

interface FitOptions {
  readonly form?: Form;
  readonly components?: number;
  readonly rank?: number;
  readonly members: string;
  readonly standardise?: boolean;
  readonly seed: number;
  readonly name?: string;
}

export function addSpace(program: Command, surroundings: Surroundings): void {
  const space = program.command("space").description("fit latent spaces, and list them");
  space
    .command("fit")
    .description("fit a latent space over LoRAs of the library")
    .addOption(new Option("--kind <kind>", "kind of space").choices(["pca"]).default("pca"))
    .addOption(
      new Option(
        "--form <form>",
        "how matrices become numbers; left out: the best on left-out members",
      ).choices(Form.options),
    )
    .option("--components <count>", "how many sliders", wholeNumber(1, 4096))
    .option("--rank <rank>", "rank of the common layout", wholeNumber(1, 320))
    .option("--members <query or ids>", "a search, or ids and names with commas between", "")
    .option("--standardise", "divide each number by its standard deviation (not in the delta form)")
    .option("--seed <seed>", "of the random choices", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option("--name <name>", "of the space")
    .action(async (options: FitOptions, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const { form, components, rank, name, seed } = options;
        const { job } = await client.spaces.fit({
          members: await members(client, options.members),
          standardise: options.standardise === true,
          seed,
          ...(form === undefined ? {} : { form }),
          ...(components === undefined ? {} : { components }),
          ...(rank === undefined ? {} : { rank }),
          ...(name === undefined ? {} : { name }),
        });
        const result = await jobResult(client, job, FitResult, surroundings);
        surroundings.output.print(result, () => fitWords(result));
      });
    });
  space
    .command("list")
    .description("list the latent spaces")
    .action(async (_options: unknown, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const spaces = await client.spaces.list();
        surroundings.output.print({ spaces }, () => {
          if (spaces.length === 0)
            return "There is no latent space yet. Fit one with: facet space fit";
          const rows = spaces.map((one) => [
            one.id,
            one.name,
            one.form,
            one.family,
            one.members,
            one.components,
            one.rank,
            byteText(one.bytes),
            one.available ? "" : "its file is gone",
          ]);
          return table(
            ["id", "name", "form", "family", "members", "components", "rank", "size", ""],
            rows,
          );
        });
      });
    });
}

/** Ids or names where every word is one; a search otherwise. */
async function members(client: StudioClient, text: string): Promise<string[] | { query: string }> {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words.length < 2) return { query: text };
  try {
    return (await findLoras(client, words)).map(({ id }) => id);
  } catch {
    return { query: text };
  }
}

function fitWords(result: FitResult): string {
  const sum = result.explained.reduce((total, share) => total + share, 0);
  const lines = [
    facts([
      ["space", result.space],
      ["form", result.form],
      ["members", result.members],
      ["dimension", result.dimension],
      ["components", result.components],
      ["variance explained", shareText(sum)],
      ["energy kept at the common rank", shareText(result.retained)],
      ["time", `${result.seconds.toFixed(1)} s`],
      ["peak memory", byteText(result.peakBytes)],
    ]),
  ];
  for (const { form, kept } of result.suitability)
    lines.push(`  ${form}: keeps ${shareText(kept)} of left-out members`);
  for (const { name, reason } of result.skipped) lines.push(`  left out ${name}: ${reason}`);
  return lines.join("\n");
}
