/** `facet export ID...`: writes LoRA files for other tools. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ExportDialect, ExportDtype, ExportResult } from "../../src-preload/contract/exports.ts";
import { CommandFailure, jobResult, type Surroundings, UsageError, withStudio } from "./command.ts";
import { findLoras } from "./find.ts";
import { byteText, table } from "./output.ts";

interface Options {
  readonly to: string;
  readonly dialect: ExportDialect;
  readonly dtype: ExportDtype;
  readonly template: string;
  readonly existing: "refuse" | "number" | "overwrite";
  readonly sidecars?: boolean;
  readonly query?: string;
}

export function addExport(program: Command, surroundings: Surroundings): void {
  program
    .command("export")
    .description("write LoRA files that ComfyUI, A1111, Forge, InvokeAI, diffusers and kohya load")
    .argument("[loras...]", "ids or names")
    .requiredOption("--to <folder>", "where to; see facet doctor for ComfyUI's folders")
    .option("--query <query>", "everything that a search finds, besides those named")
    .addOption(
      new Option(
        "--dialect <dialect>",
        "key names; kohya is what most tools read, peft is for diffusers alone",
      )
        .choices(ExportDialect.options)
        .default("kohya"),
    )
    .addOption(
      new Option("--dtype <type>", "number format").choices(ExportDtype.options).default("f16"),
    )
    .option(
      "--template <template>",
      "file names, of {name} {id} {rank} {family} {date} {index} {dialect} {dtype}",
      "{name}",
    )
    .addOption(
      new Option("--existing <policy>", "where a file of that name is there")
        .choices(["refuse", "number", "overwrite"])
        .default("number"),
    )
    .option("--sidecars", "write a picture and a card beside each file")
    .action(async (words: string[], options: Options, command: Command) => {
      if (words.length === 0 && options.query === undefined)
        throw new UsageError("Name the LoRAs to export, or give --query.");
      await withStudio(command, surroundings, async (client) => {
        const named = (await findLoras(client, words)).map(({ id }) => id);
        const found =
          options.query === undefined ? [] : await client.library.ids({ query: options.query });
        const ids = Array.from(new Set([...named, ...found]));
        if (ids.length === 0) {
          throw new CommandFailure({
            code: "not-found",
            message: `Nothing fits ${options.query ?? ""}.`,
          });
        }
        const { dialect, dtype, template, existing } = options;
        const { job } = await client.exports.start({
          ids,
          to: resolve(options.to),
          options: { dialect, dtype, template, existing, sidecars: options.sidecars === true },
        });
        const result = await jobResult(client, job, ExportResult, surroundings);
        const [reason] = result.failed;
        if (reason !== undefined) {
          throw new CommandFailure(
            {
              code: reason.code,
              message: `${result.failed.length} of ${ids.length} could not be exported. ${reason.name}: ${reason.reason}`,
            },
            result,
          );
        }
        surroundings.output.print(result, () =>
          table(
            ["id", "file", "size", "modules", "notes"],
            result.files.map(({ id, path, bytes, modules, notes }) => [
              id,
              path,
              byteText(bytes),
              modules,
              notes.join(" "),
            ]),
          ),
        );
      });
    });
}
