/** What every reader reads from and what every reader returns: bytes by range, tensors by name. */
import { assert, FacetError } from "../errors.ts";
import type { DType } from "../tensor/dtype.ts";

/**
 * Random access to bytes. Synchronous: readers run in the engine process, never on main's event loop.
 * `read` returns exactly `length` bytes, which are the caller's own, or throws a FacetError `truncated`.
 */
export interface ByteSource {
  /** Shown in errors: the path as the user knows it. */
  readonly name: string;
  /** Total bytes. */
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** An opened file: names and shapes at once, values only when asked for. */
export interface TensorFile {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** String to string, as stored; empty where the format has none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Values of one tensor as float32, row-major. Throws `not-found` for an unknown name. */
  readFloat32(name: string): Float32Array;
}

/** Bytes in memory as a source. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    read(offset, length) {
      checkRange(this, offset, length);
      return bytes.slice(offset, offset + length);
    },
  };
}

/** Throws `truncated` where a range ends behind the end of its source, before anything is allocated for it. */
export function checkRange(source: ByteSource, offset: number, length: number): void {
  assert(offset >= 0 && length >= 0, `range ${offset} + ${length}`);
  if (offset + length <= source.size) return;
  throw new FacetError(
    "truncated",
    `"${source.name}" ends at byte ${source.size}, but bytes ${offset} to ${offset + length} are needed: ` +
      "the file is cut short. Copy or download it again.",
    { path: source.name },
  );
}

/** The entry of a tensor, or `not-found` by name. */
export function entryOf<Entry extends TensorEntry>(
  tensors: ReadonlyMap<string, Entry>,
  name: string,
  file: string,
): Entry {
  const entry = tensors.get(name);
  if (entry) return entry;
  throw new FacetError(
    "not-found",
    `"${file}" has no tensor "${name}" (it has ${tensors.size} others).`,
    {
      path: file,
      field: name,
    },
  );
}
