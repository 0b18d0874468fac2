/** Where a fit keeps its members' vectors while it works: rows in, rows or column stripes out. */

export interface Stage {
  readonly count: number;
  /** Numbers in a row. */
  readonly dimension: number;
  /** Numbers of one row, from column `from` on (0 when left out). */
  write(row: number, values: Float32Array, from?: number): void;
  read(row: number): Float32Array;
  /** Columns `from` (included) to `to` (excluded) of all rows: `[count, to - from]`, row-major. */
  stripe(from: number, to: number): Float32Array;
}

/** Makes room for `count` rows; a large fit stages on disk. */
export type StageFactory = (count: number, dimension: number) => Stage;

/** For tests and for small trials. */
export function memoryStage(count: number, dimension: number): Stage {
  const values = new Float32Array(count * dimension);
  return {
    count,
    dimension,
    write(row, vector, from = 0) {
      values.set(vector, row * dimension + from);
    },
    read(row) {
      return values.slice(row * dimension, (row + 1) * dimension);
    },
    stripe(from, to) {
      const width = to - from;
      const stripe = new Float32Array(count * width);
      for (let row = 0; row < count; row++) {
        stripe.set(values.subarray(row * dimension + from, row * dimension + to), row * width);
      }
      return stripe;
    },
  };
}

/** 64 MiB of float32: large enough for full-speed products, small beside what a fit may use. */
const stripeNumbers = 16 * 1024 * 1024;

/** Widths that keep a stripe of all rows within the bound. */
export function* stripesOf(count: number, dimension: number): Generator<[number, number]> {
  const width = Math.max(64, Math.min(8192, Math.floor(stripeNumbers / Math.max(1, count))));
  for (let from = 0; from < dimension; from += width) {
    yield [from, Math.min(dimension, from + width)];
  }
}
