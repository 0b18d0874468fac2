/** A fit's members on disk: a scratch file beside the space that is being made, gone when the fit is over. */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { FacetError } from "../../core/errors.ts";
import type { Stage, StageFactory } from "../../core/spaces/stage.ts";
import { writeError } from "../../files/errors.ts";

export interface Scratch extends Disposable {
  readonly makeStage: StageFactory;
}

/** @param base Path without ending; scratch files are named after it. */
export function openScratch(base: string): Scratch {
  const open: { descriptor: number; path: string }[] = [];
  return {
    makeStage(count, dimension) {
      const path = `${base}.${String(process.pid)}.${String(open.length)}.facet-tmp`;
      const descriptor = openNew(path);
      open.push({ descriptor, path });
      try {
        ftruncateSync(descriptor, count * dimension * 4);
      } catch (cause) {
        throw noRoom(path, count * dimension * 4, cause);
      }
      return fileStage(descriptor, path, count, dimension);
    },
    [Symbol.dispose]() {
      for (const { descriptor, path } of open) {
        closeSync(descriptor);
        unlinkSync(path);
      }
    },
  };
}

function openNew(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "wx+");
  } catch (cause) {
    throw writeError(path, cause);
  }
}

/** Rows of float32 one after another in an open file. */
export function fileStage(
  descriptor: number,
  path: string,
  count: number,
  dimension: number,
): Stage {
  function readInto(target: Float32Array, start: number, length: number, position: number): void {
    const bytes = new Uint8Array(target.buffer, target.byteOffset + start * 4, length * 4);
    let done = 0;
    while (done < bytes.length) {
      const read = readSync(descriptor, bytes, done, bytes.length - done, position * 4 + done);
      if (read === 0)
        throw new FacetError("truncated", `Scratch file ${path} ended early. Fit again.`, { path });
      done += read;
    }
  }
  return {
    count,
    dimension,
    write(row, values, from = 0) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      try {
        writeSync(descriptor, bytes, 0, bytes.length, (row * dimension + from) * 4);
      } catch (cause) {
        throw noRoom(path, count * dimension * 4, cause);
      }
    },
    read(row) {
      const values = new Float32Array(dimension);
      readInto(values, 0, dimension, row * dimension);
      return values;
    },
    stripe(from, to) {
      const width = to - from;
      const values = new Float32Array(count * width);
      for (let row = 0; row < count; row++) {
        readInto(values, row * width, width, row * dimension + from);
      }
      return values;
    },
  };
}

function noRoom(path: string, bytes: number, cause: unknown): FacetError {
  return new FacetError(
    "disk-full",
    `Cannot write the ${(bytes / 1e9).toFixed(1)} GB of scratch space that this fit needs at ${path}. Free some space, or fit fewer members or a lower rank.`,
    { path, cause },
  );
}
