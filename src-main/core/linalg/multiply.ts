/** Products of a long factor with a small matrix, and small dense products. */
import { paddedSize, sliceLength } from "./gram.ts";
import { type Numbers, zerosLike } from "./products.ts";
import { scratch } from "./wasm/scratch.ts";

/** Side of the squares in which a matrix is turned over: two of them fit the first-level cache. */
const square = 32;
/** Below this many multiplications a plain loop beats copying into the kernels' memory. */
const smallProduct = 30_000;

/** Rows and columns rounded up to multiples of 4, the new ones zero. */
function pad(values: Float64Array, rows: number, columns: number): Float64Array {
  const paddedColumns = paddedSize(columns);
  const result = new Float64Array(paddedSize(rows) * paddedColumns);
  for (let i = 0; i < rows; i++) {
    result.set(values.subarray(i * columns, (i + 1) * columns), i * paddedColumns);
  }
  return result;
}

/** `[rows, inner] x [inner, columns]`: float32 tall factor, float64 small one, float32 result. */
export function tallTimesSmall(
  tall: Float32Array,
  small: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array {
  const memory = scratch();
  const padded = paddedSize(columns);
  const length = Math.ceil(sliceLength(Math.max(padded, inner)) / 4) * 4;
  const factor = pad(small, inner, columns);
  const factorAt = memory.region(factor.byteLength);
  const tallAt = memory.region(tall.byteLength);
  const sliceAt = memory.region(length * inner * 8);
  const productAt = memory.region(length * padded * 8);
  const resultAt = memory.region(rows * columns * 4);
  memory.putDoubles(factor, factorAt);
  memory.putSingles(tall, tallAt);
  for (let start = 0; start < rows; start += length) {
    const count = Math.min(length, rows - start);
    memory.kernels.widen(tallAt + start * inner * 4, 0, sliceAt, 0, 1, count * inner);
    memory.kernels.multiply(
      sliceAt,
      inner * 8,
      8,
      factorAt,
      padded * 8,
      productAt,
      padded * 8,
      paddedSize(count),
      padded,
      inner,
      0,
      0,
    );
    const to = resultAt + start * columns * 4;
    if (columns === padded) memory.kernels.narrow(productAt, 0, to, 0, 1, count * columns);
    else memory.kernels.narrow(productAt, padded * 8, to, columns * 4, count, columns);
  }
  return memory.takeSingles(resultAt, rows * columns);
}

/** `[rows, inner] x [inner, columns]`: float64 small factor, float32 wide one, float32 result. */
export function smallTimesWide(
  small: Float64Array,
  wide: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array {
  const memory = scratch();
  const paddedRows = paddedSize(rows);
  const length = Math.ceil(sliceLength(Math.max(paddedRows, inner)) / 4) * 4;
  const factorAt = memory.region(paddedRows * inner * 8);
  const wideAt = memory.region(wide.byteLength);
  const sliceAt = memory.region(length * inner * 8);
  const productAt = memory.region(paddedRows * length * 8);
  const resultAt = memory.region(rows * columns * 4);
  memory.clear(factorAt, paddedRows * inner * 8);
  memory.putDoubles(small, factorAt);
  memory.putSingles(wide, wideAt);
  for (let start = 0; start < columns; start += length) {
    const count = Math.min(length, columns - start);
    memory.kernels.widen(wideAt + start * 4, columns * 4, sliceAt, length * 8, inner, count);
    memory.kernels.multiply(
      factorAt,
      inner * 8,
      8,
      sliceAt,
      length * 8,
      productAt,
      length * 8,
      paddedRows,
      paddedSize(count),
      inner,
      0,
      0,
    );
    memory.kernels.narrow(productAt, length * 8, resultAt + start * 4, columns * 4, rows, count);
  }
  return memory.takeSingles(resultAt, rows * columns);
}

/** Row-major `[m, k] x [k, n]`. */
export function multiply(
  a: Float64Array,
  b: Float64Array,
  m: number,
  k: number,
  n: number,
): Float64Array {
  if (m * k * n > smallProduct) return multiplyLarge(a, b, m, k, n);
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const scale = a[i * k + l] as number;
      if (scale === 0) continue;
      for (let j = 0; j < n; j++) {
        result[i * n + j] = (result[i * n + j] as number) + scale * (b[l * n + j] as number);
      }
    }
  }
  return result;
}

function multiplyLarge(
  a: Float64Array,
  b: Float64Array,
  m: number,
  k: number,
  n: number,
): Float64Array {
  const memory = scratch();
  const rows = paddedSize(m);
  const columns = paddedSize(n);
  const left = memory.region(rows * k * 8);
  const right = memory.region(k * columns * 8);
  const product = memory.region(rows * columns * 8);
  memory.clear(left, rows * k * 8);
  memory.putDoubles(a, left);
  if (columns === n) memory.putDoubles(b, right);
  else memory.putDoubles(pad(b, k, n).subarray(0, k * columns), right);
  // Slices of k keep the rows of b that a tile walks through within the cache.
  const length = sliceLength(columns);
  for (let start = 0; start < k; start += length) {
    memory.kernels.multiply(
      left + start * 8,
      k * 8,
      8,
      right + start * columns * 8,
      columns * 8,
      product,
      columns * 8,
      rows,
      columns,
      Math.min(length, k - start),
      start === 0 ? 0 : 1,
      0,
    );
  }
  const padded = memory.takeDoubles(product, m * columns);
  if (columns === n) return padded;
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i++) result.set(padded.subarray(i * columns, i * columns + n), i * n);
  return result;
}

/** Row-major `[rows, columns]` turned over. */
export function transpose<T extends Numbers>(values: T, rows: number, columns: number): T {
  const result = zerosLike(values, values.length);
  for (let top = 0; top < rows; top += square) {
    const bottom = Math.min(rows, top + square);
    for (let left = 0; left < columns; left += square) {
      const right = Math.min(columns, left + square);
      for (let j = left; j < right; j++) {
        for (let i = top; i < bottom; i++) result[j * rows + i] = values[i * columns + j] as number;
      }
    }
  }
  return result;
}
