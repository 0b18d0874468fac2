/** Exports over a library, with the engine's copying in this process and no engine. */
import { join } from "node:path";
import { thisMachine } from "../../src-main/comfy/folders.ts";
import { FacetError } from "../../src-main/core/errors.ts";
import { Exports, type ExportsOptions } from "../../src-main/export/exports.ts";
import { copyLoraFile } from "../../src-main/export/writer.ts";
import type { Jobs } from "../../src-main/jobs/jobs.ts";
import type { Library } from "../../src-main/library/library.ts";

export type ExportCall = Parameters<ExportsOptions["engine"]["export"]>[0];

/** What the engine does for a file whose numbers stay as they are. */
export async function copyAnswer({ source, ...file }: ExportCall) {
  if (source.kind !== "file") throw new FacetError("unsupported", "Only files are exported here.");
  const copied = copyLoraFile(source, file);
  if (copied === null)
    throw new FacetError("unsupported", `${source.path} cannot be copied as it is.`);
  return Promise.resolve(copied);
}

export function exportsOver(
  library: Library,
  jobs: Jobs,
  answer: typeof copyAnswer = copyAnswer,
): Exports {
  return new Exports({
    jobs,
    engine: { export: answer },
    catalogue: {
      details: (id) => library.get(id),
      resolve: (id) => {
        const source = library.sourceOf(id);
        if (source.kind === "recipe")
          throw new FacetError("unsupported", "Only files are exported here.");
        return source;
      },
      preview: (id) => library.previewFile(id),
    },
    staging: join(library.folder, "staging"),
    version: "0.0.0",
    machine: thisMachine(),
    chosenFolders: () => library.settings().folders,
  });
}
