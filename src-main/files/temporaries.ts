/** The names of files that are being written, and the removal of those whose process died over them. */
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readError, systemCode } from "./errors.ts";

const ending = ".facet-tmp";
const pattern = /^\..*\.(\d+)\.[0-9a-f]{12}\.facet-tmp$/s;

/** Characters of the final name in the temporary one: at four bytes each well below a name's 255 bytes. */
const stemLength = 32;

/** A process with that number may be another one by now; nobody writes one file for this long. */
const longestWrite = 7 * 24 * 3600 * 1000;

/** In the same folder, hence on the same disk, so that a rename suffices. */
export function temporaryPath(path: string): string {
  // By characters, so that none is cut in two.
  const stem = Array.from(basename(path)).slice(0, stemLength).join("");
  const unique = randomBytes(6).toString("hex");
  return join(dirname(path), `.${stem}.${process.pid}.${unique}${ending}`);
}

export function isTemporary(name: string): boolean {
  return pattern.test(name);
}

/**
 * Removes what dead processes left in a folder, and returns the names. `olderThan` (milliseconds) protects, in a
 * folder that several machines share, what a process of another machine is writing now: its number says nothing here.
 */
export function sweepTemporaries(folder: string, olderThan = 600_000): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw readError(folder, error);
  }
  return names.filter((name) => {
    const owner = pattern.exec(name)?.[1];
    return owner !== undefined && sweep(join(folder, name), Number(owner), olderThan);
  });
}

function sweep(path: string, owner: number, olderThan: number): boolean {
  try {
    const status = lstatSync(path);
    // File times are finer than the clock's, so that a new file can seem to come from the future.
    const age = Math.max(0, Date.now() - status.mtimeMs);
    if (!status.isFile() || (isRunning(owner) ? age < longestWrite : age < olderThan)) return false;
    unlinkSync(path);
    return true;
  } catch {
    // Gone already, or not ours to remove: a leftover is harmless and the next sweep tries again.
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}
