/** The disk as the search for models sees it: names, sizes and times, never contents. */
import { readdir, realpath, stat } from "node:fs/promises";

export type EntryKind = "file" | "folder" | "link" | "other";

export interface Entry {
  readonly name: string;
  readonly kind: EntryKind;
}

export interface Status {
  /** Of what a link leads to. */
  readonly kind: Exclude<EntryKind, "link">;
  readonly bytes: number;
  /** Milliseconds. */
  readonly modifiedAt: number;
}

/** Handed in, so that a test can be a slow or a dead disk. Methods throw the system's errors. */
export interface Disk {
  entries(folder: string): Promise<Entry[]>;
  status(path: string): Promise<Status>;
  /** Where a path leads through all links. */
  real(path: string): Promise<string>;
}

export const thisDisk: Disk = {
  async entries(folder) {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isSymbolicLink() ? "link" : kindOf(entry),
    }));
  },
  async status(path) {
    const found = await stat(path);
    return { kind: kindOf(found), bytes: found.size, modifiedAt: found.mtimeMs };
  },
  real: (path) => realpath(path),
};

function kindOf(found: { isFile(): boolean; isDirectory(): boolean }): "file" | "folder" | "other" {
  if (found.isFile()) return "file";
  return found.isDirectory() ? "folder" : "other";
}
