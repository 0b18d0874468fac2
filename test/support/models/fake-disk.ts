/** A disk of a test's own: a tree of names, links, and folders that answer late or never. */
import { basename, dirname, join } from "node:path";
import type { Disk, Entry, Status } from "../../../src-main/models/disk.ts";

/** A number of bytes is a file, a text is a link to that path, null is a pipe. */
export type FakeTree = { readonly [path: string]: number | string | null };

export interface FakeDisk extends Disk {
  /** Set by a test: called before each answer, to wait or to throw. */
  before: ((path: string) => Promise<void> | void) | undefined;
  /** Every question asked. */
  readonly asked: string[];
}

export function fakeDisk(tree: FakeTree): FakeDisk {
  const follow = (path: string, hops = 0): string => {
    if (hops > 40) throw fault("ELOOP");
    const parts = path.split("/");
    for (let length = 2; length <= parts.length; length++) {
      const head = parts.slice(0, length).join("/");
      const target = tree[head];
      if (typeof target !== "string") continue;
      return follow(join(target, ...parts.slice(length)), hops + 1);
    }
    return path;
  };
  const isFolder = (path: string) => Object.keys(tree).some((each) => each.startsWith(`${path}/`));
  const status = (path: string): Status => {
    const real = follow(path);
    const bytes = tree[real];
    if (typeof bytes === "number") return { kind: "file", bytes, modifiedAt: 1 };
    if (bytes === null) return { kind: "other", bytes: 0, modifiedAt: 1 };
    if (isFolder(real)) return { kind: "folder", bytes: 0, modifiedAt: 1 };
    throw fault("ENOENT");
  };
  const kindOf = (path: string): Entry["kind"] =>
    typeof tree[path] === "string" ? "link" : status(path).kind;
  const disk: FakeDisk = {
    before: undefined,
    asked: [],
    async entries(folder) {
      await ask(folder);
      const real = follow(folder);
      const names = new Set<string>();
      for (const path of Object.keys(tree)) {
        for (let each = path; each !== "/"; each = dirname(each)) {
          if (dirname(each) === real) names.add(basename(each));
        }
      }
      return Array.from(names, (name) => ({ name, kind: kindOf(join(real, name)) }));
    },
    async status(path) {
      await ask(path);
      return status(path);
    },
    async real(path) {
      await ask(path);
      return follow(path);
    },
  };
  const ask = async (path: string) => {
    disk.asked.push(path);
    await disk.before?.(path);
  };
  return disk;
}

function fault(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: "stat" });
}
