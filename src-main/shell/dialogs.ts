/** Native dialogs, and the file manager. The only user of Electron's dialog. */
import { dialog, shell, type OpenDialogOptions } from "electron";
import { studioWindow } from "./windows.ts";

/** Paths that the user chose; empty where they gave up. */
export async function pickFiles(request: { title: string; folders: boolean }): Promise<string[]> {
  const options: OpenDialogOptions = request.folders
    ? { title: request.title, properties: ["openDirectory", "multiSelections", "createDirectory"] }
    : {
        title: request.title,
        properties: ["openFile", "multiSelections"],
        filters: [
          { name: "LoRA files", extensions: ["safetensors", "pt", "pth", "bin", "ckpt"] },
          { name: "All files", extensions: ["*"] },
        ],
      };
  const window = studioWindow();
  const chosen = await (window === undefined
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(window, options));
  return chosen.canceled ? [] : chosen.filePaths;
}

export function showInFolder(path: string): void {
  shell.showItemInFolder(path);
}

/** For a start that failed: there is no window yet to say it in. */
export function tellStartFailed(error: unknown): void {
  dialog.showErrorBox(
    "Facet could not start",
    error instanceof Error ? error.message : String(error),
  );
}
