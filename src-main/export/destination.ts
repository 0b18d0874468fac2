/** Looks at the folder that files are to be written to, before anything is started. */
import { mkdir, open, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FacetError } from "../core/errors.ts";
import { writeError } from "../files/errors.ts";
import { temporaryPath } from "../files/temporaries.ts";

/**
 * Makes the folder where only its last part is missing, proves that a file can be made in it, and compares the free
 * space with what is needed. Returns its absolute path.
 */
export async function prepareDestination(to: string, needed: number): Promise<string> {
  const folder = resolve(to);
  const found = await look(folder);
  if (found === "file") {
    throw new FacetError("invalid-argument", `${folder} is a file. Choose a folder to export to.`, {
      path: folder,
      field: "to",
    });
  }
  if (found === "nothing") {
    // A typing mistake further up should be said, not made into folders.
    if ((await look(dirname(folder))) !== "folder") {
      throw new FacetError(
        "not-found",
        `Neither ${folder} nor the folder it would lie in is there.`,
        {
          path: folder,
          field: "to",
        },
      );
    }
    await mkdir(folder).catch((cause: unknown) => {
      throw new FacetError("not-writable", `${folder} could not be made: ${String(cause)}.`, {
        path: folder,
        cause,
      });
    });
  }
  await probe(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed > free) {
    throw new FacetError(
      "disk-full",
      `${folder} has ${free} bytes free, and about ${needed} are needed. Free some space or choose another folder.`,
      { path: folder },
    );
  }
  return folder;
}

async function look(path: string): Promise<"folder" | "file" | "nothing"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch {
    return "nothing";
  }
}

/** The permission bits lie on Windows and on network shares; a file that could be made does not. */
async function probe(folder: string): Promise<void> {
  const path = temporaryPath(join(folder, "probe"));
  try {
    await (await open(path, "wx")).close();
  } catch (error) {
    throw writeError(folder, error);
  } finally {
    await rm(path, { force: true });
  }
}
