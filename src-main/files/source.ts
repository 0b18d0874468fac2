/** A file on disk as a source of byte ranges. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { FacetError } from "../core/errors.ts";
import { checkRange, type ByteSource } from "../core/formats/source.ts";
import { readError } from "./errors.ts";

/** Node refuses a single read of 2 GiB; the kernel stops a little before as well. */
const largestRead = 2 ** 30;

export interface OpenedSource extends ByteSource, Disposable {
  /** Fills `bytes` from `offset` on; for memory that is used again. Throws as `read` does. */
  readInto(bytes: Uint8Array, offset: number): void;
}

/** Opens a regular file: `using source = openFileSource(path)`. Throws `not-found`, `not-readable`. */
export function openFileSource(path: string): OpenedSource {
  let descriptor: number;
  try {
    // Without waiting: opening a pipe that a folder may hold would block this process for good.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw readError(path, error);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) {
      const what = status.isDirectory() ? "a folder" : "not a regular file";
      throw new FacetError("not-readable", `"${path}" is ${what}, not a file that can be read.`, {
        path,
      });
    }
    return new FileSource(path, status.size, descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw readError(path, error);
  }
}

class FileSource implements OpenedSource {
  readonly name: string;
  readonly size: number;
  #descriptor: number | undefined;

  constructor(name: string, size: number, descriptor: number) {
    this.name = name;
    this.size = size;
    this.#descriptor = descriptor;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    const bytes = this.#allocate(length);
    this.readInto(bytes, offset);
    return bytes;
  }

  readInto(bytes: Uint8Array, offset: number): void {
    checkRange(this, offset, bytes.length);
    if (this.#descriptor === undefined)
      throw new Error(`"${this.name}" was closed before it was read`);
    let done = 0;
    while (done < bytes.length) {
      const count = this.#readSome(this.#descriptor, bytes, done, offset + done);
      if (count === 0) {
        throw new FacetError(
          "truncated",
          `"${this.name}" ended at byte ${offset + done} of ${this.size} while it was read: ` +
            "another program is changing it. Try again when that is done.",
          { path: this.name },
        );
      }
      done += count;
    }
  }

  #allocate(length: number): Uint8Array {
    try {
      // Not Buffer's pool, whose memory is shared; not zeroed, since every byte is read or an error is thrown.
      return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length);
    } catch (cause) {
      throw new FacetError(
        "out-of-memory",
        `There is no memory for ${length} bytes of "${this.name}". Close other programs and try again.`,
        { path: this.name, cause },
      );
    }
  }

  #readSome(descriptor: number, bytes: Uint8Array, at: number, position: number): number {
    try {
      return readSync(descriptor, bytes, at, Math.min(bytes.length - at, largestRead), position);
    } catch (error) {
      throw readError(this.name, error);
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
