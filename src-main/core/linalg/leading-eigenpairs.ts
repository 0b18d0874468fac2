/** The leading eigenpairs of a large symmetric positive matrix, by products with blocks of vectors. */
import { seededRandom } from "../tensor/random.ts";
import { largeSymmetricEigen } from "./eigen/large.ts";
import { KrylovBasis, type Ritz } from "./krylov.ts";
import { transpose } from "./multiply.ts";
import type { Products } from "./products.ts";

export interface Eigenpairs {
  /** Descending. */
  readonly values: Float64Array;
  /** `[size, count]`, row-major, one eigenvector a column. */
  readonly vectors: Float32Array;
  readonly count: number;
}

/** Up to this size the whole problem is solved directly in float64. */
const dense = 512;
/** Vectors that are multiplied at once: enough to use the cores well, few enough to leave many steps. */
const widestBlock = 64;
const narrowestBlock = 16;
/** Enough where the sum of what the eigenvalues may still gain is this share of their own sum. */
const tolerance = 1e-7;
/** Blocks of the look at what may have been missed. */
const look = 4;
/** Below a millionth of the largest, float32 sums leave nothing but rounding. */
const rounding = 1e-6;

/**
 * @param matrix `[size, size]`, symmetric, positive semi-definite.
 * @param wanted How many pairs; fewer come back where the matrix's rank is smaller.
 */
export async function leadingEigenpairs(
  matrix: Float32Array,
  size: number,
  wanted: number,
  products: Products,
  seed: number,
): Promise<Eigenpairs> {
  const most = Math.min(wanted, size);
  const block = Math.max(narrowestBlock, Math.min(widestBlock, Math.ceil(most / 8)));
  const first = 2 * most + 2 * block;
  if (size <= dense || first > 0.8 * size) {
    const wide = Float64Array.from(matrix);
    const { values, vectors } = await largeSymmetricEigen(wide, size, products, most);
    const count = significant(values, most);
    return {
      values: values.slice(0, count),
      vectors: firstColumns(vectors, size, most, count),
      count,
    };
  }
  const random = seededRandom(seed);
  const capacity = Math.min(size, 5 * most + 16 * block);
  const common = { matrix, length: size, scale: scaleOf(matrix, size), random, products };
  const basis = new KrylovBasis({ ...common, block, capacity });
  for (let target = first; ; target = basis.size + Math.max(4 * block, most / 2)) {
    while (basis.size < target && !basis.full) await basis.grow();
    const ritz = await basis.ritz(most);
    if (!basis.full && !settled(ritz)) continue;
    const rows = await basis.combine(ritz.weights);
    const others = { ...common, block: 8, capacity: 8 * look, besides: rows };
    if (!basis.full && (await missed(new KrylovBasis(others), ritz.values))) {
      basis.restart();
      continue;
    }
    const count = significant(ritz.values, most);
    const vectors = transpose(rows.subarray(0, count * size), count, size);
    return { values: ritz.values.slice(0, count), vectors, count };
  }
}

/** Brings the largest element to about one; in a positive matrix it stands on the diagonal. */
function scaleOf(matrix: Float32Array, size: number): number {
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, matrix[i * (size + 1)] as number);
  return largest > 0 ? 2 ** -Math.floor(Math.log2(largest)) : 1;
}

/** By how much an eigenvalue may still grow is its squared residual over its distance to those not found: itself, at most. */
function settled({ values, residuals }: Ritz): boolean {
  let [sum, gain] = [0, 0];
  const floor = rounding * (values[0] as number);
  values.forEach((value, i) => {
    if (value <= floor) return;
    sum += value;
    gain += (residuals[i] as number) ** 2 / value;
  });
  return gain <= tolerance * sum;
}

/**
 * Whether the matrix has a value among the leading ones that the basis does not know: a block finds only as many
 * copies of a repeated value as it is wide. Looks at what is orthogonal to the vectors found.
 */
async function missed(others: KrylovBasis, values: Float64Array): Promise<boolean> {
  while (!others.full) await others.grow();
  const found = await others.ritz(1);
  const least = values.at(-1) as number;
  return (found.values[0] as number) > 1.001 * least + rounding * (values[0] as number);
}

function significant(values: Float64Array, most: number): number {
  const floor = rounding * (values[0] ?? 0);
  let count = 0;
  while (count < most && (values[count] as number) > floor) count++;
  return count;
}

function firstColumns(
  values: Float64Array,
  rows: number,
  columns: number,
  count: number,
): Float32Array {
  const kept = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    kept.set(values.subarray(row * columns, row * columns + count), row * count);
  }
  return kept;
}
