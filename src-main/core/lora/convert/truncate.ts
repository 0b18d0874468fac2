/** The best LoRA of a rank for a matrix that is given whole or as a product, without a full SVD where that is big. */
import { gramOfColumns, gramOfRows } from "../../linalg/gram.ts";
import { seededRandom } from "../../tensor/random.ts";
import { truncateProduct } from "../truncate.ts";
import type { Converted } from "./adapter.ts";

/** `[rows, columns]`, whole or as `up [rows, inner] · down [inner, columns]`. */
export type Matrix =
  | { readonly kind: "dense"; readonly values: Float32Array }
  | {
      readonly kind: "product";
      readonly up: Float32Array;
      readonly down: Float32Array;
      readonly inner: number;
    };

export interface Truncation extends Converted {
  /** Squared Frobenius norm of the whole matrix. */
  readonly energy: number;
}

/** Matrices and products up to this size are truncated exactly. */
const exactSize = 128;
/** Halko, Martinsson, Tropp 2011, "Finding structure with randomness", algorithms 4.4 and 5.1. */
// At these a flat spectrum, the worst case, loses half a percent of what the best approximation keeps.
const oversampling = 16;
const powerIterations = 3;
/** Fixed, so that the same file is the same LoRA every time. */
const seed = 20110509;

/**
 * Factors of the given rank with orthogonal columns and rows. Exact where the matrix is small or has a small inner
 * size; else by a randomised range finder, which is exact up to rounding when the matrix has no more than
 * `rank` + 16 singular values, and whose kept share is measured, not assumed.
 */
export function truncate(matrix: Matrix, rows: number, columns: number, rank: number): Truncation {
  const target = Math.max(1, Math.min(rank, rows, columns));
  if (matrix.kind === "product" && matrix.inner <= Math.max(exactSize, target + oversampling)) {
    return truncated(matrix.up, matrix.down, rows, columns, matrix.inner, target);
  }
  const smaller = Math.min(rows, columns);
  const width = smaller <= exactSize ? smaller : Math.min(target + oversampling, smaller);
  const random = seededRandom(seed);
  const start = new Float64Array(width * columns);
  random.fillNormal(start);
  let range = orthonormal(forward(matrix, start, rows, columns, width), width, rows);
  for (let turn = 0; turn < powerIterations; turn++) {
    const back = orthonormal(backward(matrix, range, rows, columns, width), width, columns);
    range = orthonormal(forward(matrix, back, rows, columns, width), width, rows);
  }
  const down = Float32Array.from(backward(matrix, range, rows, columns, width));
  const up = new Float32Array(rows * width);
  for (let index = 0; index < width; index++) {
    for (let row = 0; row < rows; row++)
      up[row * width + index] = range[index * rows + row] as number;
  }
  const result = truncated(up, down, rows, columns, width, target);
  const total = energyOf(matrix, rows, columns);
  const kept = total === 0 ? 1 : Math.min(1, (result.kept * result.energy) / total);
  return { ...result, kept, energy: total };
}

function truncated(
  up: Float32Array,
  down: Float32Array,
  rows: number,
  columns: number,
  inner: number,
  target: number,
): Truncation {
  const rank = Math.min(inner, target);
  return { ...truncateProduct(up, down, rows, columns, inner, rank), rank };
}

function energyOf(matrix: Matrix, rows: number, columns: number): number {
  if (matrix.kind === "dense") return squares(matrix.values);
  const { up, down, inner } = matrix;
  // trace((upᵀ up)(down downᵀ)): two inner x inner blocks instead of the product.
  const left = gramOfColumns(up, rows, inner);
  const right = gramOfRows(down, inner, columns);
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i] as number) * (right[i] as number);
  return Math.max(0, sum);
}

function squares(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return sum;
}

/** `matrix · vectorsᵀ`: vectors lie as rows, `[width, columns]` to `[width, rows]`. */
function forward(
  matrix: Matrix,
  vectors: Float64Array,
  rows: number,
  columns: number,
  width: number,
): Float64Array {
  if (matrix.kind === "dense") return timesRows(matrix.values, rows, columns, vectors, width);
  const inside = timesRows(matrix.down, matrix.inner, columns, vectors, width);
  return timesRows(matrix.up, rows, matrix.inner, inside, width);
}

/** `matrixᵀ · vectorsᵀ`: `[width, rows]` to `[width, columns]`. */
function backward(
  matrix: Matrix,
  vectors: Float64Array,
  rows: number,
  columns: number,
  width: number,
): Float64Array {
  if (matrix.kind === "dense") return timesColumns(matrix.values, rows, columns, vectors, width);
  const inside = timesColumns(matrix.up, rows, matrix.inner, vectors, width);
  return timesColumns(matrix.down, matrix.inner, columns, inside, width);
}

/** Inner products of every row with every vector: four vectors at a time share each read of the matrix. */
function timesRows(
  values: Float32Array,
  rows: number,
  columns: number,
  vectors: Float64Array,
  width: number,
): Float64Array {
  const result = new Float64Array(width * rows);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    let index = 0;
    for (; index + 4 <= width; index += 4) {
      const [v0, v1, v2, v3] = [
        index * columns,
        (index + 1) * columns,
        (index + 2) * columns,
        (index + 3) * columns,
      ] as const;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let at = 0; at < columns; at++) {
        const value = values[from + at] as number;
        s0 += value * (vectors[v0 + at] as number);
        s1 += value * (vectors[v1 + at] as number);
        s2 += value * (vectors[v2 + at] as number);
        s3 += value * (vectors[v3 + at] as number);
      }
      result[index * rows + row] = s0;
      result[(index + 1) * rows + row] = s1;
      result[(index + 2) * rows + row] = s2;
      result[(index + 3) * rows + row] = s3;
    }
    for (; index < width; index++) {
      let sum = 0;
      for (let at = 0; at < columns; at++) {
        sum += (values[from + at] as number) * (vectors[index * columns + at] as number);
      }
      result[index * rows + row] = sum;
    }
  }
  return result;
}

/** Sums of rows weighted by each vector. */
function timesColumns(
  values: Float32Array,
  rows: number,
  columns: number,
  vectors: Float64Array,
  width: number,
): Float64Array {
  const result = new Float64Array(width * columns);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    let index = 0;
    for (; index + 4 <= width; index += 4) {
      const w0 = vectors[index * rows + row] as number;
      const w1 = vectors[(index + 1) * rows + row] as number;
      const w2 = vectors[(index + 2) * rows + row] as number;
      const w3 = vectors[(index + 3) * rows + row] as number;
      const r0 = index * columns;
      const r1 = r0 + columns;
      const r2 = r1 + columns;
      const r3 = r2 + columns;
      for (let at = 0; at < columns; at++) {
        const value = values[from + at] as number;
        result[r0 + at] = (result[r0 + at] as number) + w0 * value;
        result[r1 + at] = (result[r1 + at] as number) + w1 * value;
        result[r2 + at] = (result[r2 + at] as number) + w2 * value;
        result[r3 + at] = (result[r3 + at] as number) + w3 * value;
      }
    }
    for (; index < width; index++) {
      const weight = vectors[index * rows + row] as number;
      const to = index * columns;
      for (let at = 0; at < columns; at++) {
        result[to + at] = (result[to + at] as number) + weight * (values[from + at] as number);
      }
    }
  }
  return result;
}

/** Rows made orthonormal in place, each projected twice; what is nothing but rounding becomes a row of zeros. */
function orthonormal(vectors: Float64Array, count: number, length: number): Float64Array {
  for (let index = 0; index < count; index++) {
    const row = vectors.subarray(index * length, (index + 1) * length);
    const before = norm(row);
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < index; other++) {
        const from = other * length;
        let inner = 0;
        for (let at = 0; at < length; at++)
          inner += (row[at] as number) * (vectors[from + at] as number);
        for (let at = 0; at < length; at++) {
          row[at] = (row[at] as number) - inner * (vectors[from + at] as number);
        }
      }
    }
    const after = norm(row);
    const scale = after > before * 1e-12 ? 1 / after : 0;
    for (let at = 0; at < length; at++) row[at] = (row[at] as number) * scale;
  }
  return vectors;
}

function norm(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}
