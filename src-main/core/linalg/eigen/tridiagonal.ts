/** Blocked Householder tridiagonalisation of large symmetric matrices (LAPACK's dsytrd and dlatrd, upper variant). */
import { scratch } from "../wasm/scratch.ts";
import { reflector } from "./small.ts";

/** Reflectors collected before they reach the rest of the matrix in one product; a multiple of 4. */
const panel = 32;

export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Element i couples i and i + 1; the last is 0. */
  readonly offDiagonal: Float64Array;
  /**
   * `[n, n]`: row i holds the i elements of a vector v of length sqrt(2), zeros behind them. With H_i = I - v vᵀ,
   * `matrix = H T Hᵀ` for `H = H_(n-1) … H_1`.
   */
  readonly reflectors: Float64Array;
}

/**
 * Only the lower triangle of the row-major `[n, n]` matrix is read, times `scale`. Half of the work is products of the matrix with
 * one vector, which memory feeds; the other half products of panels.
 */
export function tridiagonalise(matrix: Float64Array, n: number, scale: number): Tridiagonal {
  const memory = scratch();
  const { kernels } = memory;
  const padded = Math.ceil(n / 4) * 4;
  // An odd number of blocks of 4, so that rows do not fall on the same few lines of the cache.
  const width = (Math.ceil(n / 4) | 1) * 4;
  const stride = width * 8;
  const matrixAt = memory.region(padded * stride);
  // Row 2r of the first is v_r, row 2r + 1 is -w_r; the second has them the other way round.
  const pairsAt = memory.region(2 * panel * stride);
  const turnedAt = memory.region(2 * panel * stride);
  const productAt = memory.region(stride);
  const factorsAt = memory.region(2 * panel * 8);
  const a = memory.doubles(matrixAt, padded * width);
  const pairs = memory.doubles(pairsAt, 2 * panel * width);
  const turned = memory.doubles(turnedAt, 2 * panel * width);
  const product = memory.doubles(productAt, width);
  const factors = memory.doubles(factorsAt, 2 * panel);
  load(a, width, matrix, n, scale);
  pairs.fill(0);
  turned.fill(0);

  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflectors = new Float64Array(n * n);
  for (let bottom = n; bottom > 0;) {
    const top = Math.max(0, Math.ceil(bottom / 4) * 4 - panel);
    let count = 0;
    for (let i = bottom - 1; i >= top; i--) {
      const around = Math.ceil((i + 1) / 4) * 4;
      const row = matrixAt + i * stride;
      for (let r = 0; r < 2 * panel; r++) {
        factors[r] = r < count ? (pairs[r * width + i] as number) : 0;
      }
      const used = Math.ceil(count / 4) * 4;
      kernels.vectorTimesRows(turnedAt, stride, used, factorsAt, around, row);
      diagonal[i] = a[i * width + i] as number;
      if (i === 0) break;
      // Row i, left of the diagonal, is reflected onto its last element.
      const v = a.subarray(i * width, i * width + i);
      offDiagonal[i - 1] = reflector(v);
      reflectors.set(v, i * n);
      setRow(pairs, count * width, width, v);
      setRow(turned, (count + 1) * width, width, v);
      const vAt = pairsAt + count * stride;
      kernels.symmetricTimesVector(matrixAt, stride, vAt, productAt, around);
      // What the panel's earlier reflectors change about that product.
      kernels.rowsTimesVector(pairsAt, stride, used, vAt, around, factorsAt);
      factors.fill(0, count);
      kernels.vectorTimesRows(turnedAt, stride, used, factorsAt, around, productAt);
      let half = 0;
      for (let j = 0; j < i; j++) half += (product[j] as number) * (v[j] as number);
      half /= 2;
      for (let j = 0; j < i; j++) product[j] = half * (v[j] as number) - (product[j] as number);
      const minus = product.subarray(0, i);
      setRow(pairs, (count + 1) * width, width, minus);
      setRow(turned, count * width, width, minus);
      count += 2;
    }
    // A - v wᵀ - w vᵀ for all of the panel at once.
    kernels.multiply(pairsAt, 8, stride, turnedAt, stride, matrixAt, stride, top, top, count, 1, 1);
    bottom = top;
  }
  return { diagonal, offDiagonal, reflectors };
}

/** Copies the lower triangle; the blocks of 4 x 4 on the diagonal are made whole. */
function load(
  a: Float64Array,
  width: number,
  matrix: Float64Array,
  n: number,
  scale: number,
): void {
  a.fill(0);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) a[i * width + j] = (matrix[i * n + j] as number) * scale;
    for (let j = i - (i % 4); j < i; j++) a[j * width + i] = a[i * width + j] as number;
  }
}

function setRow(rows: Float64Array, at: number, width: number, values: Float64Array): void {
  rows.set(values, at);
  rows.fill(0, at + values.length, at + width);
}
