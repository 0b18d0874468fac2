/**
 * All eigenpairs of large symmetric matrices in float64: tridiagonalisation in WebAssembly, divide and conquer, and
 * the way back by products. Backward stable: values are good to rounding relative to the largest.
 */
import { assert } from "../../errors.ts";
import type { Products } from "../products.ts";
import { tridiagonalEigen } from "./divide.ts";
import { applyReflectors } from "./reflect.ts";
import type { Eigen } from "./small.ts";
import { tridiagonalise } from "./tridiagonal.ts";

/**
 * Only the lower triangle of the row-major `[n, n]` matrix is read.
 *
 * @param leading How many vectors are wanted, of the largest values: `[n, leading]`.
 */
export async function largeSymmetricEigen(
  matrix: Float64Array,
  n: number,
  products: Products,
  leading = n,
): Promise<Eigen> {
  const scale = magnitude(matrix, n);
  const { diagonal, offDiagonal, reflectors } = tridiagonalise(matrix, n, 1 / scale);
  const rows = await tridiagonalEigen(diagonal, offDiagonal, products);
  const values = Float64Array.from(diagonal, (_, i) => (diagonal[n - 1 - i] as number) * scale);
  const vectors = columnsOf(rows, n, leading);
  return { values, vectors: await applyReflectors(reflectors, vectors, n, leading, products) };
}

/** The power of two at the largest element: dividing by it rounds nothing, and squares stay in range. */
function magnitude(matrix: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i * n; j <= i * n + i; j++) {
      const value = Math.abs(matrix[j] as number);
      assert(Number.isFinite(value), "the matrix holds NaN or infinity");
      if (value > largest) largest = value;
    }
  }
  return largest === 0 ? 1 : 2 ** Math.max(-1021, Math.floor(Math.log2(largest)));
}

/** Side of the squares in which a matrix is turned over: two of them fit the first-level cache. */
const square = 32;

/** Rows of ascending values to the first columns of descending ones. */
function columnsOf(rows: Float64Array, n: number, count: number): Float64Array {
  const columns = new Float64Array(n * count);
  for (let top = 0; top < n; top += square) {
    const bottom = Math.min(n, top + square);
    for (let left = 0; left < count; left += square) {
      const right = Math.min(count, left + square);
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) {
          columns[i * count + j] = rows[(n - 1 - j) * n + i] as number;
        }
      }
    }
  }
  return columns;
}
