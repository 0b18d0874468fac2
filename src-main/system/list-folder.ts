/** Folders of the machine that runs Facet, for the host's own folder picker. */
import { readdir, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { FacetError } from "../core/errors.ts";

const loraEndings = new Set([".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".sft"]);

export interface Listing {
  path: string;
  parent: string | null;
  folders: { name: string; path: string }[];
  /** Files here that could be LoRAs. */
  loras: number;
}

/** @param path Null for the user's home. */
export async function listFolder(path: string | null): Promise<Listing> {
  const asked = resolve(path ?? homedir());
  try {
    const folder = await realpath(asked);
    const entries = await readdir(folder, { withFileTypes: true });
    const parent = dirname(folder);
    return {
      path: folder,
      parent: parent === folder ? null : parent,
      folders: entries
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
        .map((entry) => ({ name: entry.name, path: join(folder, entry.name) }))
        .toSorted((a, b) => a.name.localeCompare(b.name)),
      loras: entries.filter(
        (entry) => entry.isFile() && loraEndings.has(extname(entry.name).toLowerCase()),
      ).length,
    };
  } catch (cause) {
    throw new FacetError("not-readable", `${asked} cannot be opened as a folder.`, {
      path: asked,
      cause,
    });
  }
}
