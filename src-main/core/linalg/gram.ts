/** Inner products between the columns of tall factors and between the rows of wide ones: float32 in, float64 sums. */
import { type Scratch, scratch } from "./wasm/scratch.ts";

/** Elements of a widened slice of a factor: 32 KB of float64, which the first-level cache holds. */
const sliceElements = 4096;

export function paddedSize(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** Length of the slices in which a factor of that many columns (or rows) is widened: between 16 and 1,024. */
export function sliceLength(padded: number): number {
  return Math.min(1024, Math.max(16, Math.floor(sliceElements / padded / 2) * 2));
}

/** A factor in scratch memory, and how a slice of its long axis becomes float64 `[long, padded short]`. */
interface Operand {
  readonly padded: number;
  /** Where the slice lies. */
  readonly slice: number;
  widen(start: number, length: number): void;
}

function tallOperand(
  memory: Scratch,
  values: Float32Array,
  short: number,
  length: number,
): Operand {
  const padded = paddedSize(short);
  const at = memory.region(values.byteLength);
  const slice = memory.region(length * padded * 8);
  memory.putSingles(values, at);
  memory.clear(slice, length * padded * 8);
  return {
    padded,
    slice,
    widen(start, count) {
      const from = at + start * short * 4;
      if (short === padded) memory.kernels.widen(from, 0, slice, 0, 1, count * short);
      else memory.kernels.widen(from, short * 4, slice, padded * 8, count, short);
    },
  };
}

function wideOperand(
  memory: Scratch,
  values: Float32Array,
  short: number,
  long: number,
  length: number,
): Operand {
  const padded = paddedSize(short);
  // Two rows and two columns are read at once: room for what lies beyond the last ones.
  const at = memory.region((values.length + long + 2) * 4);
  const slice = memory.region((length + 2) * padded * 8);
  memory.putSingles(values, at);
  memory.clear(slice, (length + 2) * padded * 8);
  return {
    padded,
    slice,
    widen(start, count) {
      memory.kernels.widenTransposed(at + start * 4, long * 4, slice, padded * 8, short, count);
    },
  };
}

function accumulate(
  memory: Scratch,
  left: Operand,
  right: Operand,
  long: number,
  length: number,
): number {
  const result = memory.region(left.padded * right.padded * 8);
  memory.clear(result, left.padded * right.padded * 8);
  const row = right.padded * 8;
  for (let start = 0; start < long; start += length) {
    const count = Math.min(length, long - start);
    left.widen(start, count);
    if (right !== left) right.widen(start, count);
    memory.kernels.multiply(
      left.slice,
      8,
      left.padded * 8,
      right.slice,
      row,
      result,
      row,
      left.padded,
      right.padded,
      count,
      1,
      left === right ? 1 : 0,
    );
  }
  return result;
}

/** Copies `[rows, columns]` out of a result with padded rows. */
function unpad(values: Float64Array, padded: number, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[i * columns + j] = values[i * padded + j] as number;
  }
  return result;
}

function mirror(values: Float64Array, padded: number, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = values[i * padded + j] as number;
      result[i * size + j] = value;
      result[j * size + i] = value;
    }
  }
  return result;
}

/** `AᵀA` of `[rows, columns]`. */
export function gramOfColumns(values: Float32Array, rows: number, columns: number): Float64Array {
  const memory = scratch();
  const length = sliceLength(paddedSize(columns));
  const operand = tallOperand(memory, values, columns, length);
  const result = accumulate(memory, operand, operand, rows, length);
  return mirror(
    memory.takeDoubles(result, operand.padded * operand.padded),
    operand.padded,
    columns,
  );
}

/** `AAᵀ` of `[rows, columns]`. */
export function gramOfRows(values: Float32Array, rows: number, columns: number): Float64Array {
  const memory = scratch();
  const length = sliceLength(paddedSize(rows));
  const operand = wideOperand(memory, values, rows, columns, length);
  const result = accumulate(memory, operand, operand, columns, length);
  return mirror(memory.takeDoubles(result, operand.padded * operand.padded), operand.padded, rows);
}

/** `AᵀB` of `[rows, columnsA]` and `[rows, columnsB]`. */
export function crossOfColumns(
  a: Float32Array,
  b: Float32Array,
  rows: number,
  columnsA: number,
  columnsB: number,
): Float64Array {
  const memory = scratch();
  const length = sliceLength(paddedSize(Math.max(columnsA, columnsB)));
  const left = tallOperand(memory, a, columnsA, length);
  const right = tallOperand(memory, b, columnsB, length);
  const result = accumulate(memory, left, right, rows, length);
  return unpad(
    memory.takeDoubles(result, left.padded * right.padded),
    right.padded,
    columnsA,
    columnsB,
  );
}

/** `ABᵀ` of `[rowsA, columns]` and `[rowsB, columns]`. */
export function crossOfRows(
  a: Float32Array,
  b: Float32Array,
  rowsA: number,
  rowsB: number,
  columns: number,
): Float64Array {
  const memory = scratch();
  const length = sliceLength(paddedSize(Math.max(rowsA, rowsB)));
  const left = wideOperand(memory, a, rowsA, columns, length);
  const right = wideOperand(memory, b, rowsB, columns, length);
  const result = accumulate(memory, left, right, columns, length);
  return unpad(memory.takeDoubles(result, left.padded * right.padded), right.padded, rowsA, rowsB);
}
