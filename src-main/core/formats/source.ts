/** What every reader reads from and what every reader returns: bytes by range, tensors by name. */
import type { DType } from "../tensor/dtype.ts";

/**
 * Random access to bytes. Synchronous: readers run in the engine process, never on main's event loop.
 * `read` returns exactly `length` bytes or throws a FacetError `truncated`.
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
