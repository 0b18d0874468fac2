/** Symmetric positive (semi-)definite matrices through the inverse of their Cholesky factor, which products apply. */
import type { Products } from "./products.ts";

/** Up to this size plain loops are done before a product would have begun. */
const leaf = 64;

/**
 * Lower triangular `L⁻¹` of `matrix = L Lᵀ`, by halves; rows whose pivot is not above `floor` are zero in both, as if
 * the matrix had not had them. Only the lower triangle of the row-major `[n, n]` matrix is read.
 */
export async function inverseCholesky(
  matrix: Float64Array,
  n: number,
  floor: number,
  products: Products,
): Promise<Float64Array> {
  if (n <= leaf) return smallInverseCholesky(matrix, n, floor);
  const top = n >> 1;
  const rest = n - top;
  const upper = await inverseCholesky(part(matrix, n, 0, 0, top, top), top, floor, products);
  const corner = await products.multiply({
    left: part(matrix, n, top, 0, rest, top),
    right: upper,
    rows: rest,
    columns: top,
    inner: top,
    transposeRight: true,
  });
  const square = await products.multiply({
    left: corner,
    right: corner,
    rows: rest,
    columns: rest,
    inner: top,
    transposeRight: true,
  });
  const remainder = part(matrix, n, top, top, rest, rest);
  for (let i = 0; i < square.length; i++)
    remainder[i] = (remainder[i] as number) - (square[i] as number);
  const lower = await inverseCholesky(remainder, rest, floor, products);
  const between = await products.multiply({
    left: await products.multiply({
      left: lower,
      right: corner,
      rows: rest,
      columns: top,
      inner: rest,
    }),
    right: upper,
    rows: rest,
    columns: top,
    inner: top,
  });
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < top; i++) inverse.set(upper.subarray(i * top, (i + 1) * top), i * n);
  for (let i = 0; i < rest; i++) {
    const to = (top + i) * n;
    for (let j = 0; j < top; j++) inverse[to + j] = -(between[i * top + j] as number);
    inverse.set(lower.subarray(i * rest, (i + 1) * rest), to + top);
  }
  return inverse;
}

function part(
  matrix: Float64Array,
  n: number,
  row: number,
  column: number,
  rows: number,
  columns: number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = (row + i) * n + column;
    result.set(matrix.subarray(from, from + columns), i * columns);
  }
  return result;
}

function smallInverseCholesky(matrix: Float64Array, n: number, floor: number): Float64Array {
  const factor = new Float64Array(n * n);
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const own = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = matrix[own + j] as number;
      for (let k = 0; k < j; k++)
        sum -= (factor[own + k] as number) * (factor[other + k] as number);
      const pivot = factor[other + j] as number;
      if (i === j) factor[own + i] = sum > floor ? Math.sqrt(sum) : 0;
      else factor[own + j] = pivot === 0 ? 0 : sum / pivot;
    }
    const pivot = factor[own + i] as number;
    if (pivot === 0) continue;
    inverse[own + i] = 1 / pivot;
    for (let k = 0; k < i; k++) {
      const scale = (factor[own + k] as number) / pivot;
      if (scale === 0) continue;
      for (let j = 0; j <= k; j++) {
        inverse[own + j] = (inverse[own + j] as number) - scale * (inverse[k * n + j] as number);
      }
    }
  }
  return inverse;
}

/**
 * `[size, columns]` x with `(matrix + ridge I) x = right`; directions in which even that is not positive stay out of x.
 */
export async function solvePositive(
  matrix: Float64Array,
  right: Float64Array,
  { size: n, columns, ridge }: { size: number; columns: number; ridge: number },
  products: Products,
): Promise<Float64Array> {
  const shifted = matrix.slice(0, n * n);
  for (let i = 0; i < n; i++) shifted[i * (n + 1)] = (shifted[i * (n + 1)] as number) + ridge;
  const inverse = await inverseCholesky(shifted, n, 0, products);
  const half = await products.multiply({ left: inverse, right, rows: n, columns, inner: n });
  return products.multiply({
    left: inverse,
    right: half,
    rows: n,
    columns,
    inner: n,
    transposeLeft: true,
  });
}
