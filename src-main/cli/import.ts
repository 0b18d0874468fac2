/** `facet import PATH...`: brings files and folders into the library. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ImportResult, Storage } from "../../src-preload/contract/library.ts";
import { CommandFailure, jobResult, type Surroundings, withStudio } from "./command.ts";
import { table } from "./output.ts";

/** Lines printed before the rest is only counted. */
const shown = 20;

export function addImport(program: Command, surroundings: Surroundings): void {
  program
    .command("import")
    .description("bring LoRA files, or folders of them, into the library")
    .argument("<paths...>", "files and folders")
    .addOption(
      new Option(
        "--storage <kind>",
        "copy files into the library, or leave them where they are",
      ).choices(Storage.options),
    )
    .action(
      async (paths: string[], options: { storage?: "copy" | "reference" }, command: Command) => {
        await withStudio(command, surroundings, async (client) => {
          const { job } = await client.library.import({
            paths: paths.map((path) => resolve(path)),
            ...(options.storage === undefined ? {} : { storage: options.storage }),
          });
          const result = await jobResult(client, job, ImportResult, surroundings);
          const [reason] = result.skipped.filter(({ code }) => code !== "already-exists");
          if (result.importedCount === 0 && reason !== undefined) {
            throw new CommandFailure(
              {
                code: reason.code,
                message: `Nothing was imported. ${reason.path}: ${reason.reason}`,
                path: reason.path,
              },
              result,
            );
          }
          surroundings.output.print(result, () => words(result));
        });
      },
    );
}

function words(result: ImportResult): string {
  const lines: string[] = [];
  if (result.imported.length > 0) {
    const rows = result.imported
      .slice(0, shown)
      .map(({ id, name, dialect, family, modules, matched, total }) => [
        id,
        name,
        dialect,
        family,
        modules,
        `${matched} of ${total}`,
      ]);
    lines.push(table(["id", "name", "dialect", "family", "modules", "keys understood"], rows));
    if (result.importedCount > rows.length)
      lines.push(`… and ${result.importedCount - rows.length} more`);
  }
  lines.push(`Imported ${result.importedCount}, skipped ${result.skippedCount}.`);
  for (const { path, reason } of result.skipped.slice(0, shown)) lines.push(`  ${path}: ${reason}`);
  return lines.join("\n");
}
