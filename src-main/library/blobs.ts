/** Copied originals: brought in whole through a staging folder and one rename, named by their content. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  chmod,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
} from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { readError, systemCode, writeError } from "../files/errors.ts";
import { blobFolder, companionName, type Folders, isInside } from "./folders.ts";
import { newId } from "./ids.ts";

/** Larger ones are not PEFT's, which are under a kilobyte. */
const longestCompanion = 1 << 20;
/** PEFT's own names: only they have a configuration beside them that means them. */
const withCompanion = /^(adapter_model|pytorch_lora_weights)\./;
const blobName = /^(lora|adapter_model)\.[a-z]+$/;
const staged = /^read-(\d+)-/;
/** Uploads that no row waits for are swept after this long. */
const oldUploadMs = 7 * 24 * 3600 * 1000;

export interface Companion {
  readonly path: string;
  readonly sha256: string;
}

/** The adapter_config.json that gives a PEFT file its scale, if there is one. */
export async function companionOf(path: string): Promise<Companion | null> {
  if (!withCompanion.test(basename(path))) return null;
  const companion = join(dirname(path), companionName);
  try {
    if ((await stat(companion)).size > longestCompanion) return null;
    const bytes = await readFile(companion);
    return { path: companion, sha256: createHash("sha256").update(bytes).digest("hex") };
  } catch {
    return null;
  }
}

/** A copy on its way: a folder of its own in staging, with the file (and its companion) complete and on disk. */
export interface StagedCopy {
  readonly folder: string;
  readonly file: string;
  readonly companion: string;
}

export async function stageCopy(folders: Folders, path: string): Promise<StagedCopy> {
  const folder = join(folders.staging, `read-${process.pid}-${newId()}`);
  await checkReadable(path);
  const companion = await companionOf(path);
  const name = companion === null ? "lora" : "adapter_model";
  const file = join(folder, name + extname(path).toLowerCase());
  try {
    await mkdir(folder, { recursive: true });
    await copyWhole(path, file);
    if (companion !== null) await copyWhole(companion.path, join(folder, companionName));
    return { folder, file, companion: companion?.sha256 ?? "" };
  } catch (error) {
    await discard(folder);
    // The system does not say which of the two files it means.
    await checkReadable(path);
    throw writeError(file, error);
  }
}

async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw readError(path, error);
  }
}

/** Puts a staged copy in its place and returns what rows call it. The same content there already is left as it is. */
export async function publish(folders: Folders, copy: StagedCopy, sha256: string): Promise<string> {
  const suffix = copy.companion === "" ? "" : `-${copy.companion.slice(0, 16)}`;
  const key = `${sha256}${suffix}`;
  const to = blobFolder(folders, key);
  try {
    await mkdir(dirname(to), { recursive: true });
    const name = await moveInto(to, copy);
    await syncFolder(dirname(to));
    return `${key}/${name}`;
  } catch (error) {
    throw writeError(to, error);
  }
}

/** Returns the name of the file in the folder. */
async function moveInto(to: string, copy: StagedCopy): Promise<string> {
  const name = basename(copy.file);
  try {
    await rename(copy.folder, to);
    return name;
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "EPERM"].includes(systemCode(error) ?? "")) throw error;
  }
  const there = await fileIn(to, (await stat(copy.file)).size);
  // A folder of that name without its file is a leftover, e.g. of an interrupted erasure.
  await discard(there === null ? to : copy.folder);
  if (there === null) await rename(copy.folder, to);
  return there ?? name;
}

/** The LoRA file in a copy's folder, where there is one (of that size). */
export async function fileIn(folder: string, size?: number): Promise<string | null> {
  try {
    for (const name of await readdir(folder)) {
      if (!blobName.test(name)) continue;
      if (size === undefined || (await stat(join(folder, name))).size === size) return name;
    }
  } catch {
    // No folder, no file.
  }
  return null;
}

export async function discard(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** An uploaded original has done its duty once it is copied. */
export async function dropUpload(folders: Folders, path: string): Promise<boolean> {
  if (!isInside(folders.staging, path)) return false;
  await rm(path, { force: true });
  try {
    await rmdir(dirname(path));
  } catch {
    // Others of the same drop are still there.
  }
  return true;
}

/** Removes what dead processes left in staging, and uploads that nobody waits for. */
export async function sweepStaging(
  folders: Folders,
  isAwaited: (folder: string) => boolean,
): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folders.staging);
  } catch {
    return;
  }
  for (const name of names) {
    const folder = join(folders.staging, name);
    const owner = Number(staged.exec(name)?.[1] ?? 0);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    const old = Date.now() - mtimeMs > oldUploadMs && !isAwaited(folder);
    // A number may be given to a process again: what is older than this process is not its own.
    const left = owner === process.pid ? mtimeMs < performance.timeOrigin : !isAlive(owner);
    if (owner > 0 ? left : old) await discard(folder);
  }
}

async function copyWhole(from: string, to: string): Promise<void> {
  // Where the file system can, the copy shares its blocks with the original and costs nothing.
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o644);
  await using handle = await open(to, "r+");
  await handle.sync();
}

async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, "r");
    await handle.sync();
  } catch {
    // Windows opens no folders; its file system orders renames by itself.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
