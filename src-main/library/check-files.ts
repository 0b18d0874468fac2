/** Looks whether the files behind the rows are there: drives are unplugged, folders renamed, copies lost. */
import { stat } from "node:fs/promises";
import { z } from "zod";
import { blobFile } from "./folders.ts";
import type { Shelf } from "./shelf.ts";
import { inSlices } from "./slices.ts";

const pageRows = 200;
const gone = "Its file is gone: ";

const Row = z.object({
  seq: z.int(),
  path: z.string().nullable(),
  blob: z.string().nullable(),
  state: z.string(),
  trouble: z.string().nullable(),
});

/**
 * Marks rows whose file is gone, and has those read anew whose file is back (`retry`: all that failed). One look at
 * a time, so that a slow network drive holds nothing else up. Returns how many are gone.
 */
export async function checkFiles(
  shelf: Shelf,
  options: { retry: boolean; between: () => Promise<void> | void },
): Promise<number> {
  const { database, folders } = shelf;
  const page = database.statement(
    `select seq, path, blob, state, trouble from loras where kind = 'file' and deleted_at is null and seq > ?
     order by seq limit ${pageRows}`,
  );
  let missing = 0;
  for (let last = 0; ;) {
    await options.between();
    const rows = z.array(Row).parse(page.all(last));
    if (rows.length === 0) return missing;
    last = rows.at(-1)?.seq ?? last;
    const changed: { seq: number; state: string; trouble: string | null }[] = [];
    for (const { seq, path, blob, state, trouble } of rows) {
      const file = blob === null ? path : blobFile(folders, blob);
      const known = trouble?.startsWith(gone) ?? false;
      if (file !== null && (await exists(file))) {
        if (known || (options.retry && state === "failed")) {
          changed.push({ seq, state: "unread", trouble: null });
        }
      } else {
        missing += 1;
        const words = `${gone}${file ?? "it was never copied"}`;
        if (!known) changed.push({ seq, state: "failed", trouble: words });
      }
    }
    if (changed.length === 0) continue;
    await options.between(); // the library may have been closed while a drive was slow
    await inSlices(database, changed, ({ seq, state, trouble }) => {
      database
        .statement("update loras set state = ?, trouble = ? where seq = ?")
        .run(state, trouble, seq);
    });
    shelf.changes.made();
  }
}

/** Only what is certainly not there counts as gone. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code !== "ENOENT" && code !== "ENOTDIR";
  }
}
