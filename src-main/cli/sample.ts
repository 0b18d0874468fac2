/** `facet sample`: new identities drawn from the members' distribution. */
import type { Command } from "commander";
import { CommandFailure, type Surroundings, withStudio } from "./command.ts";
import { findSpace } from "./find.ts";
import { type Made, make } from "./made.ts";
import { table } from "./output.ts";
import { decimal, wholeNumber } from "./parse.ts";

interface Options {
  readonly space?: string;
  readonly count: number;
  readonly seed: number;
  readonly spread: number;
  readonly name: string;
}

export function addSample(program: Command, surroundings: Surroundings): void {
  program
    .command("sample")
    .description("draw identities at random from a latent space")
    .option("--space <space>", "id or name; left out: the newest")
    .option("--count <count>", "how many", wholeNumber(1, 100_000), 1)
    .option(
      "--seed <seed>",
      "the same seed draws the same identities",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option("--spread <factor>", "1 as the members; less stays nearer to the mean", decimal, 1)
    .option("--name <name>", "beginning of their names", "Sample")
    .action(async (options: Options, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const { seed, spread, count, name } = options;
        const space = await findSpace(client, options.space);
        const samples: Made[] = [];
        for (let index = 0; index < count; index++) {
          if (surroundings.interrupt.aborted) break;
          const draft = { kind: "sample", space: space.id, seed, index, spread } as const;
          samples.push(await make(client, draft, `${name} ${seed}-${index + 1}`));
        }
        const document = { ids: samples.map(({ id }) => id), samples, space: space.id, seed };
        if (samples.length < count) {
          throw new CommandFailure(
            { code: "cancelled", message: `Stopped after ${samples.length} of ${count} samples.` },
            document,
          );
        }
        surroundings.output.print(document, () =>
          table(
            ["id", "name"],
            samples.map((made) => [made.id, made.name]),
          ),
        );
      });
    });
}
