/** The leading eigenpairs of a large symmetric positive matrix by randomized subspace iteration. */
import { symmetricEigen } from "../linalg/eigen/small.ts";
import { seededRandom } from "../tensor/random.ts";
import type { Products } from "../linalg/products.ts";

export interface Eigenpairs {
  /** Descending. */
  readonly values: Float64Array;
  /** `[size, count]`, row-major, one eigenvector a column. */
  readonly vectors: Float32Array;
  readonly count: number;
}

/** Up to this size the whole problem is solved directly in float64. */
const dense = 384;
/** Halko, Martinsson and Tropp (2011), section 4.3: a few extra directions make the leading ones safe. */
const oversampling = 24;
const iterations = 12;
/** Stops when the captured sum of eigenvalues grows by less than this share. */
const tolerance = 1e-6;

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
  if (size <= dense) {
    const { values, vectors } = symmetricEigen(Float64Array.from(matrix), size);
    return cut(values, Float32Array.from(vectors), size, size, wanted);
  }
  const width = Math.min(size, wanted + Math.max(oversampling, Math.ceil(wanted / 8)));
  const random = seededRandom(seed);
  const apply = (columns: Float32Array) =>
    products.multiply({ left: matrix, right: columns, rows: size, columns: width, inner: size });
  const start = Float32Array.from({ length: size * width }, () => random.normal());
  let basis = await orthonormalise(start, size, width, products);
  let image = await apply(basis);
  let captured = innerTrace(basis, image);
  for (let step = 0; step < iterations; step++) {
    basis = await orthonormalise(image, size, width, products);
    image = await apply(basis);
    const now = innerTrace(basis, image);
    if (Math.abs(now - captured) <= tolerance * now) break;
    captured = now;
  }
  const ritz = await products.multiply({
    left: basis,
    right: image,
    rows: width,
    columns: width,
    inner: size,
    transposeLeft: true,
  });
  const small = Float64Array.from(ritz, (value, at) => {
    const mirrored = ritz[(at % width) * width + Math.floor(at / width)] as number;
    return (value + mirrored) / 2;
  });
  const { values, vectors } = symmetricEigen(small, width);
  const rotated = await products.multiply({
    left: basis,
    right: Float32Array.from(vectors),
    rows: size,
    columns: width,
    inner: width,
  });
  return cut(values, rotated, size, width, wanted);
}

/** Sum of the element-wise product: the trace of `basisᵀ · image`. */
function innerTrace(basis: Float32Array, image: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < basis.length; i++) sum += (basis[i] as number) * (image[i] as number);
  return sum;
}

/**
 * Added to the Gram matrix in the first pass, as a share of its trace: float32 sums lose what is smaller, and
 * without it Cholesky would break down where columns nearly repeat each other.
 */
const shift = 1e-6;
const passes = 3;
/** After the shifted pass, columns this short hold nothing but rounding: they become zero. */
const nothing = 1e-6;

/**
 * Orthonormal columns with the span of the given ones, by shifted Cholesky QR (Fukaya et al. 2020): three
 * passes of products, which are what the engine is fast at. Columns that add nothing become zero.
 */
export async function orthonormalise(
  columns: Float32Array,
  rows: number,
  width: number,
  products: Products,
): Promise<Float32Array> {
  let basis = columns;
  for (let pass = 0; pass < passes; pass++) {
    const gram = await products.multiply({
      left: basis,
      right: basis,
      rows: width,
      columns: width,
      inner: rows,
      transposeLeft: true,
    });
    let total = 0;
    for (let i = 0; i < width; i++) total += gram[i * width + i] as number;
    const factor =
      pass === 0 ? cholesky(gram, width, shift * total, 0) : cholesky(gram, width, 0, nothing);
    basis = await products.multiply({
      left: basis,
      right: inverseTransposed(factor, width),
      rows,
      columns: width,
      inner: width,
    });
  }
  return basis;
}

/** Lower triangular L with `L Lᵀ = gram + ridge I`; rows whose pivot is not above `floor` are zero. */
function cholesky(gram: Float32Array, width: number, ridge: number, floor: number): Float64Array {
  const factor = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    const left = i * width;
    for (let j = 0; j <= i; j++) {
      const right = j * width;
      let sum = (gram[left + j] as number) + (i === j ? ridge : 0);
      for (let k = 0; k < j; k++)
        sum -= (factor[left + k] as number) * (factor[right + k] as number);
      if (i === j) factor[left + i] = sum > floor ? Math.sqrt(sum) : 0;
      else {
        const pivot = factor[right + j] as number;
        factor[left + j] = pivot === 0 ? 0 : sum / pivot;
      }
    }
  }
  return factor;
}

/** `(L⁻¹)ᵀ`, upper triangular, column by column by forward substitution; zero pivots give zero columns. */
function inverseTransposed(factor: Float64Array, width: number): Float32Array {
  const inverse = new Float32Array(width * width);
  const column = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    const own = factor[j * width + j] as number;
    if (own === 0) continue;
    column.fill(0);
    column[j] = 1 / own;
    for (let i = j + 1; i < width; i++) {
      const pivot = factor[i * width + i] as number;
      if (pivot === 0) continue;
      let sum = 0;
      for (let k = j; k < i; k++) sum += (factor[i * width + k] as number) * (column[k] as number);
      column[i] = -sum / pivot;
    }
    for (let i = j; i < width; i++) inverse[j * width + i] = column[i] as number;
  }
  return inverse;
}

function cut(
  values: Float64Array,
  vectors: Float32Array,
  size: number,
  width: number,
  wanted: number,
): Eigenpairs {
  // Below a millionth of the largest, float32 sums leave nothing but rounding.
  const floor = (values[0] ?? 0) * 1e-6;
  let count = 0;
  while (count < Math.min(wanted, width) && (values[count] as number) > floor) count++;
  const kept = new Float32Array(size * count);
  for (let row = 0; row < size; row++) {
    kept.set(vectors.subarray(row * width, row * width + count), row * count);
  }
  return { values: values.slice(0, count), vectors: kept, count };
}
