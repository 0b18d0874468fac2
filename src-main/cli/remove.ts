/** `facet remove`, `facet restore` and `facet rebuild`: the library's housekeeping. */
import type { Command } from "commander";
import { z } from "zod";
import { jobResult, type Surroundings, withStudio } from "./command.ts";
import { findLoras } from "./find.ts";

export function addRemove(program: Command, surroundings: Surroundings): void {
  program
    .command("remove")
    .description("move LoRAs to the library's trash; restore brings them back")
    .argument("<loras...>", "ids or names")
    .action(async (words: string[], _options: unknown, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const ids = (await findLoras(client, words)).map(({ id }) => id);
        const { removed } = await client.library.remove({ ids });
        surroundings.output.print(
          { removed, ids },
          () => `Removed ${removed}. Undo with: facet restore ${ids.join(" ")}`,
        );
      });
    });
  program
    .command("restore")
    .description("bring LoRAs back from the trash")
    .argument("<loras...>", "ids or names")
    .action(async (words: string[], _options: unknown, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const ids = (await findLoras(client, words, "trash")).map(({ id }) => id);
        const { restored } = await client.library.restore({ ids });
        surroundings.output.print({ restored, ids }, () => `Restored ${restored}.`);
      });
    });
  program
    .command("rebuild")
    .description("make the library's database again from its files")
    .action(async (_options: unknown, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const { job } = await client.library.rebuild();
        // The job's own words are the result: a JSON object whose shape belongs to the library.
        const result = await jobResult(client, job, z.unknown(), surroundings);
        surroundings.output.print(result ?? {}, () => "The library was rebuilt.");
      });
    });
}
