/** What the system's error codes mean to somebody who only knows the file. */
import { dirname } from "node:path";
import { statfsSync } from "node:fs";
import { FacetError } from "../core/errors.ts";

export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** For what fails while a file is opened or read. Errors that say all already pass through. */
export function readError(path: string, cause: unknown): unknown {
  if (cause instanceof FacetError) return cause;
  const place = { path, cause };
  switch (systemCode(cause)) {
    case "ENOENT":
    case "ENOTDIR":
      return new FacetError("not-found", `"${path}" does not exist (any more).`, place);
    case "ENAMETOOLONG":
      return new FacetError(
        "not-found",
        `"${path}" has a name too long for this file system.`,
        place,
      );
    case "EACCES":
    case "EPERM":
      return new FacetError(
        "not-readable",
        `"${path}" may not be read: permission is missing.`,
        place,
      );
    case "EISDIR":
      return new FacetError("not-readable", `"${path}" is a folder, not a file.`, place);
    case "EMFILE":
    case "ENFILE":
      return new FacetError(
        "not-readable",
        `"${path}" cannot be opened: too many files are open.`,
        place,
      );
    case "ELOOP":
      return new FacetError("not-readable", `"${path}" is a link that leads in a circle.`, place);
    case "ERR_INVALID_ARG_VALUE":
      return new FacetError("invalid-argument", `"${path}" is not a possible path.`, place);
    case undefined:
      return cause;
    default:
      return new FacetError("not-readable", `"${path}" cannot be read: ${String(cause)}.`, place);
  }
}

/** For what fails while a file is written. `bytes` is how far it came. */
export function writeError(path: string, cause: unknown, bytes = 0): unknown {
  if (cause instanceof FacetError) return cause;
  const place = { path, cause };
  const folder = dirname(path);
  switch (systemCode(cause)) {
    case "ENOSPC":
    case "EDQUOT":
      return new FacetError(
        "disk-full",
        `"${path}" cannot be written: the disk of its folder is full after ${bytes} bytes${freeBytes(folder)}. ` +
          "Nothing of it was kept; make room and try again.",
        place,
      );
    case "EFBIG":
      return new FacetError(
        "too-large",
        `"${path}" cannot be written: its file system takes no file of more than ${bytes} bytes.`,
        place,
      );
    case "EACCES":
    case "EPERM":
      return new FacetError(
        "not-writable",
        `"${path}" cannot be written: permission for its folder is missing.`,
        place,
      );
    case "EROFS":
      return new FacetError(
        "not-writable",
        `"${path}" cannot be written: its disk is read-only.`,
        place,
      );
    case "ENAMETOOLONG":
      return new FacetError(
        "not-writable",
        `"${path}" cannot be written: its name is too long for this file system. Choose a shorter one.`,
        place,
      );
    case "EEXIST":
      return new FacetError(
        "already-exists",
        `"${path}" exists already and was left as it is. Choose another name, or allow it to be replaced.`,
        place,
      );
    case "ENOENT":
      return new FacetError(
        "not-found",
        `"${path}" cannot be written: the folder "${folder}" is gone.`,
        place,
      );
    case "ENOTDIR":
      return new FacetError(
        "not-writable",
        `"${path}" cannot be written: "${folder}" is not a folder.`,
        place,
      );
    case "EISDIR":
    case "ENOTEMPTY":
      return new FacetError(
        "not-writable",
        `"${path}" cannot be written: a folder has that name.`,
        place,
      );
    case "EBUSY":
      return new FacetError(
        "not-writable",
        `"${path}" cannot be replaced: another program uses it.`,
        place,
      );
    case "ERR_INVALID_ARG_VALUE":
      return new FacetError("invalid-argument", `"${path}" is not a possible path.`, place);
    case undefined:
      return cause;
    default:
      return new FacetError(
        "not-writable",
        `"${path}" cannot be written: ${String(cause)}.`,
        place,
      );
  }
}

function freeBytes(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return ` (${bavail * bsize} bytes are free)`;
  } catch {
    return "";
  }
}
