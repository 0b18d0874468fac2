/** Starting an import: the tray shows its progress, the grid follows by itself. */
import { studio } from "../../studio/client.ts";
import { pickFiles } from "../../studio/files.ts";
import { toastFailure } from "../../ui/toast.tsx";
import { useLibrary } from "./library-state.ts";

/** Answers the job's id. */
export async function importPaths(paths: string[], collection?: string): Promise<string> {
  const { job } = await studio.library.import({
    paths,
    ...(collection === undefined ? {} : { collection }),
  });
  return job;
}

/** The native dialog; only where the shell has one. */
export async function pickAndImport(folders: boolean): Promise<void> {
  try {
    const paths = await pickFiles(folders ? "Add folders of LoRAs" : "Add LoRA files", folders);
    if (paths.length > 0) await importPaths(paths, useLibrary.getState().collection ?? undefined);
  } catch (error) {
    toastFailure("Nothing was added", error);
  }
}
