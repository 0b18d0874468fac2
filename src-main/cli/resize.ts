/** `facet resize`: the same identity at another rank. */
import type { Command } from "commander";
import { type Surroundings, withStudio } from "./command.ts";
import { findLora } from "./find.ts";
import { madeWords, make } from "./made.ts";
import { wholeNumber } from "./parse.ts";

export function addResize(program: Command, surroundings: Surroundings): void {
  program
    .command("resize")
    .description("bring an identity to another rank")
    .argument("<lora>", "id or name")
    .requiredOption("--rank <rank>", "the new rank", wholeNumber(1, 320))
    .option("--name <name>", "of the new identity")
    .action(async (word: string, options: { rank: number; name?: string }, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const from = await findLora(client, word);
        const draft = { kind: "resize", id: from.id, rank: options.rank } as const;
        const made = await make(client, draft, options.name ?? `${from.name} rank ${options.rank}`);
        surroundings.output.print({ ...made, from: from.id }, () => madeWords(made));
      });
    });
}
