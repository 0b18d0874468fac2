/** Finds the LoRA folders of ComfyUI, A1111 and Forge on this machine (formats.md 4.2, 4.3). Reads only. */
import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { eachOnce, type Machine, modelPlaces, type Place } from "./places.ts";

export type { Machine } from "./places.ts";

export interface FoundFolder {
  readonly path: string;
  readonly source: string;
  readonly tool: string;
  readonly exists: boolean;
  readonly writable: boolean;
}

export function thisMachine(): Machine {
  return {
    platform: process.platform,
    home: homedir(),
    env: process.env,
    read: (path) => readFile(path, "utf8").catch(() => null),
    async look(path) {
      const folder = await stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      );
      // An export makes a folder that is missing, but nothing above it.
      const writable = await access(folder ? path : dirname(path), constants.W_OK).then(
        () => true,
        () => false,
      );
      return { folder, writable };
    },
  };
}

export interface Search {
  readonly folders: FoundFolder[];
  /** Files that were found but could not be understood, in words. */
  readonly problems: string[];
}

/** @param chosen folders from the settings; they come first. */
export async function findLoraFolders(
  chosen: readonly string[],
  machine: Machine,
): Promise<Search> {
  const { places, problems } = await modelPlaces(["loras"], machine);
  const first: Place[] = chosen.map((path) => ({
    kind: "loras",
    path,
    source: "chosen",
    tool: "",
    named: true,
  }));
  const looked = await Promise.all(
    eachOnce([...first, ...places], machine).map(async (place) => ({
      place,
      ...(await machine.look(place.path)),
    })),
  );
  const folders = looked
    .filter(({ place, folder }) => folder || place.named)
    .map(({ place: { path, source, tool }, folder, writable }) => ({
      path,
      source,
      tool: tool || guessTool(path),
      exists: folder,
      writable,
    }));
  return { folders, problems: [...problems] };
}

function guessTool(path: string): string {
  if (/forge/i.test(path)) return "Forge";
  if (/webui|automatic|a1111/i.test(path)) return "A1111";
  return /comfy/i.test(path) ? "ComfyUI" : "";
}
