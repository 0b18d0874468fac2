/** `facet blend`: a new identity between others. */
import { type Command, Option } from "commander";
import { type Surroundings, withStudio } from "./command.ts";
import { findLoras, findSpace } from "./find.ts";
import { madeWords, make } from "./made.ts";
import { weights, wholeNumber } from "./parse.ts";

interface Options {
  readonly weights: readonly (readonly [string, number])[];
  readonly mode: "latent" | "slerp" | "delta";
  readonly rank?: number;
  readonly space?: string;
  readonly name?: string;
}

export function addBlend(program: Command, surroundings: Surroundings): void {
  program
    .command("blend")
    .description("mix identities: in a latent space, or exactly by their products")
    .requiredOption("--weights <lora=weight,...>", "identities and how much of each", weights)
    .addOption(
      new Option("--mode <mode>", "straight or spherical in a space, or the products")
        .choices(["latent", "slerp", "delta"])
        .default("delta"),
    )
    .option(
      "--rank <rank>",
      "of a delta blend; left out: the parents' largest",
      wholeNumber(1, 320),
    )
    .option("--space <space>", "for latent and slerp; left out: the newest that fits")
    .option("--name <name>", "of the new identity")
    .action(async (options: Options, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const found = await findLoras(
          client,
          options.weights.map(([word]) => word),
        );
        const parents = found.map(({ id }, index) => ({
          id,
          weight: options.weights[index]?.[1] ?? 1,
        }));
        const space = options.space === undefined ? null : await findSpace(client, options.space);
        const draft = {
          kind: "blend",
          mode: options.mode,
          parents,
          ...(space === null ? {} : { space: space.id }),
          ...(options.rank === undefined ? {} : { rank: options.rank }),
        } as const;
        const name = options.name ?? found.map((parent) => parent.name).join(" + ");
        const made = await make(client, draft, name.slice(0, 200));
        surroundings.output.print({ ...made, mode: options.mode }, () => madeWords(made));
      });
    });
}
