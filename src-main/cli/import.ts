/** `facet import PATH...`: brings files and folders into the library. */
import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Command, Option } from "commander";
import { ImportResult, Storage } from "../../src-preload/contract/library.ts";
import {
  CommandFailure,
  jobResult,
  type StudioClient,
  type Surroundings,
  withStudio,
} from "./command.ts";
import { table } from "./output.ts";

/** Lines printed before the rest is only counted. */
const shown = 20;
const copyLookMs = 50;

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
          await untilCopied(client, surroundings);
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

/** Copies are made after the import: a command that ended before them would leave only names of originals behind. */
async function untilCopied(
  client: StudioClient,
  { output, interrupt }: Surroundings,
): Promise<void> {
  const waiting = async () =>
    (await client.library.list({ query: "is:copied is:unread", limit: 1 })).total > 0;
  try {
    while (!interrupt.aborted && (await waiting())) {
      const job = (await client.jobs.list()).find(({ kind }) => kind === "read");
      if (job?.failure != null) throw new CommandFailure(job.failure);
      if (job?.state === "cancelled") return;
      if (job !== undefined) output.progress(job);
      // Asked again and again rather than watched: another Facet process may be the one that copies.
      await setTimeout(copyLookMs);
    }
  } finally {
    output.clear();
  }
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
