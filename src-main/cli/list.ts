/** `facet list [QUERY]`: what is in the library. */
import { type Command, Option } from "commander";
import { Sort } from "../../src-preload/contract/library.ts";
import { type Surroundings, withStudio } from "./command.ts";
import { byteText, table } from "./output.ts";
import { wholeNumber } from "./parse.ts";

interface Options {
  readonly sort: Sort;
  readonly limit: number;
  readonly offset: number;
  readonly trash?: boolean;
}

export function addList(program: Command, surroundings: Surroundings): void {
  program
    .command("list")
    .description("list the library's LoRAs")
    .argument(
      "[query]",
      "words, and terms such as rank>8, family:sdxl, tag:woman, is:favourite",
      "",
    )
    .addOption(
      new Option("--sort <order>", "order of the list").choices(Sort.options).default("newest"),
    )
    .option("--limit <count>", "how many at most", wholeNumber(1, 1000), 200)
    .option("--offset <count>", "how many to leave out first", wholeNumber(0, 10_000_000), 0)
    .option("--trash", "what was removed, instead")
    .action(async (query: string, options: Options, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const { sort, limit, offset } = options;
        const view = options.trash === true ? "trash" : "all";
        const { total, cards } = await client.library.list({ query, sort, view, limit, offset });
        surroundings.output.print({ total, loras: cards }, () => {
          if (total === 0) return query === "" ? "The library is empty." : `Nothing fits ${query}.`;
          const rows = cards.map(
            ({ id, name, kind, family, dialect, rank, modules, bytes, trouble }) => [
              id,
              name,
              kind === "recipe" ? "recipe" : dialect,
              family,
              rank.min === rank.max ? String(rank.max) : `${rank.min}-${rank.max}`,
              modules,
              byteText(bytes),
              trouble ?? "",
            ],
          );
          const head = ["id", "name", "dialect", "family", "rank", "modules", "size", "trouble"];
          return `${table(head, rows)}\n${cards.length} of ${total}`;
        });
      });
    });
}
