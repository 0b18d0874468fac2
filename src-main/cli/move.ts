/** `facet move`: a new identity at a place in a latent space. */
import type { Command } from "commander";
import { type Surroundings, UsageError, withStudio } from "./command.ts";
import { findLora, findSpace } from "./find.ts";
import { madeWords, make } from "./made.ts";
import { componentValues } from "./parse.ts";

interface Options {
  readonly space?: string;
  readonly from?: string;
  readonly set: ReadonlyMap<number, number>;
  readonly name?: string;
}

export function addMove(program: Command, surroundings: Surroundings): void {
  program
    .command("move")
    .description("make an identity by setting components of a latent space")
    .requiredOption(
      "--set <component=sigma,...>",
      "components, in standard deviations of the members",
      componentValues,
    )
    .option("--space <space>", "id or name; left out: the newest")
    .option("--from <lora>", "identity to start from; left out: the mean")
    .option("--name <name>", "of the new identity")
    .action(async (options: Options, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const space = await findSpace(client, options.space);
        const from = options.from === undefined ? null : await findLora(client, options.from);
        const coordinates =
          from === null
            ? Array.from({ length: space.components }, () => 0)
            : (await client.identities.locate({ space: space.id, id: from.id })).coordinates;
        for (const [index, sigma] of options.set) {
          if (index >= space.components) {
            throw new UsageError(
              `${space.name} has components 0 to ${space.components - 1}; there is no component ${index}.`,
            );
          }
          coordinates[index] = sigma;
        }
        const draft = {
          kind: "point",
          space: space.id,
          coordinates,
          ...(from === null ? {} : { from: from.id }),
        } as const;
        const made = await make(client, draft, options.name ?? `${from?.name ?? space.name} moved`);
        surroundings.output.print({ ...made, space: space.id }, () => madeWords(made));
      });
    });
}
