/**
 * Writes a file so that at any moment, a crash or a power cut included, its path shows either what was there before
 * or the whole new file.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { FacetError } from "../core/errors.ts";
import { systemCode, writeError } from "./errors.ts";
import { temporaryPath } from "./temporaries.ts";

/** Small chunks are gathered up to this, so that a LoRA of 1,400 small tensors takes a few writes. */
const gatherBytes = 1 << 20;
/** Writing is synchronous, so one buffer serves all files of a thread: fresh pages cost more than copying into them. */
const gathered = Buffer.allocUnsafeSlow(gatherBytes);

export interface WriteOptions {
  /** Whether an existing file may be replaced; if not, `already-exists` is thrown and it is left alone. */
  readonly overwrite: boolean;
}

export interface Written {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * Synchronous: it runs in the engine. What `chunks` throws is thrown on, and nothing stays behind.
 *
 * Without `overwrite` the new file takes its name by a hard link, which fails where the name is taken, so two writers
 * never replace each other. Where links are not to be had (exFAT, FAT, some network disks) the name is reserved by an
 * empty file that a rename replaces at once: there a crash between these two leaves the empty file.
 */
export function writeAtomically(
  path: string,
  chunks: Iterable<Uint8Array>,
  { overwrite }: WriteOptions,
): Written {
  const progress = { bytes: 0 };
  let temporary: string | undefined;
  try {
    checkTarget(path, overwrite);
    temporary = temporaryPath(path);
    const sha256 = writeTemporary(temporary, chunks, progress);
    if (overwrite) renameSync(temporary, path);
    else placeWithoutReplacing(temporary, path);
    syncFolder(dirname(path));
    return { bytes: progress.bytes, sha256 };
  } catch (error) {
    if (temporary !== undefined) tryUnlink(temporary);
    throw writeError(path, error, progress.bytes);
  }
}

/** Says at once, before minutes of work, what the last step would say. */
function checkTarget(path: string, overwrite: boolean): void {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status) return;
  if (status.isDirectory()) {
    throw new FacetError("not-writable", `"${path}" cannot be written: a folder has that name.`, {
      path,
    });
  }
  if (!overwrite) throw Object.assign(new Error("the file exists"), { code: "EEXIST" });
}

function writeTemporary(
  temporary: string,
  chunks: Iterable<Uint8Array>,
  progress: { bytes: number },
): string {
  const hash = createHash("sha256");
  const descriptor = openSync(temporary, "wx");
  try {
    let used = 0;
    const put = (bytes: Uint8Array): void => {
      // In pieces: hashing then finds each in the cache, and neither call takes 2 GiB at once.
      for (let start = 0; start < bytes.byteLength; start += gatherBytes) {
        const piece = bytes.subarray(start, start + gatherBytes);
        hash.update(piece);
        for (let at = 0; at < piece.byteLength;) {
          const count = writeSync(descriptor, piece, at);
          at += count;
          progress.bytes += count;
        }
      }
    };
    for (const chunk of chunks) {
      if (used + chunk.byteLength > gatherBytes) {
        put(gathered.subarray(0, used));
        used = 0;
      }
      if (chunk.byteLength >= gatherBytes) put(chunk);
      else {
        gathered.set(chunk, used);
        used += chunk.byteLength;
      }
    }
    put(gathered.subarray(0, used));
    // Before the rename: otherwise the name may reach the disk ahead of the bytes.
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return hash.digest("hex");
}

function placeWithoutReplacing(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    // Links are refused in many words (EPERM, ENOTSUP, ENOSYS, EISDIR on Windows); a real fault shows here again.
    placeByReservation(temporary, path);
    return;
  }
  tryUnlink(temporary);
}

/** For file systems without links; see above. */
export function placeByReservation(temporary: string, path: string): void {
  closeSync(openSync(path, "wx"));
  try {
    renameSync(temporary, path);
  } catch (error) {
    tryUnlink(path);
    throw error;
  }
}

/** Makes the new name last through a power cut. Windows cannot open folders; some network disks refuse. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === "EIO" || code === "ENOSPC") throw error;
  }
}

function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The error that led here says more; sweepTemporaries removes what stays.
  }
}
