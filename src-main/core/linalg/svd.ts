/** Singular value decomposition of small dense matrices by one-sided Jacobi rotations. */
import { symmetricEigen } from "./eigen/small.ts";
import { multiply, transpose } from "./multiply.ts";

export interface Svd {
  /** Descending, k = min(m, n) of them (or as many as were asked for). */
  readonly values: Float64Array;
  /** `[m, k]`, orthonormal columns also where values are zero. */
  readonly left: Float64Array;
  /** `[n, k]`, likewise. */
  readonly right: Float64Array;
}

/** Two columns count as orthogonal at this cosine. */
const orthogonal = 4 * Number.EPSILON;
/** The same where the result goes into float32 factors, whose own rounding is a thousand times larger. */
const nearlyOrthogonal = 1e-11;
/** Convergence is quadratic; 6 to 10 sweeps are usual. */
const maximumSweeps = 40;
/** From this size on the leading part comes from a tridiagonal eigenproblem: Jacobi's sweeps cost ten times more. */
const jacobiLimit = 4;

/**
 * All singular values and vectors of row-major `[m, n]`. Jacobi finds tiny singular values to high relative
 * accuracy (Demmel and Veselić, 1992), which QR iterations do not.
 */
export function svd(matrix: Float64Array, m: number, n: number): Svd {
  return jacobi(matrix, m, n, orthogonal);
}

function jacobi(matrix: Float64Array, m: number, n: number, tolerance: number): Svd {
  if (m < n) {
    const { values, left, right } = jacobi(transpose(matrix, m, n), n, m, tolerance);
    return { values, left: right, right: left };
  }
  let largest = 0;
  for (const value of matrix) largest = Math.max(largest, Math.abs(value));
  // A power of two: scaling must not round. It keeps the squares of tiny and huge entries in range.
  const scale = largest > 0 ? 2 ** Math.floor(Math.log2(largest)) : 1;
  const columns = transpose(matrix, m, n);
  for (let i = 0; i < columns.length; i++) columns[i] = (columns[i] as number) / scale;
  const rotation = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rotation[i * n + i] = 1;
  const squares = orthogonalise(columns, rotation, m, n, tolerance);
  const order = Array.from({ length: n }, (_, index) => index).sort(
    (a, b) => (squares[b] as number) - (squares[a] as number) || a - b,
  );
  const values = new Float64Array(n);
  const left = new Float64Array(m * n);
  const right = new Float64Array(n * n);
  order.forEach((from, to) => {
    const length = Math.sqrt(squares[from] as number);
    values[to] = length * scale;
    for (let i = 0; i < n; i++) right[i * n + to] = rotation[from * n + i] as number;
    if (length > 0)
      for (let i = 0; i < m; i++) left[i * n + to] = (columns[from * m + i] as number) / length;
  });
  completeColumns(left, m, n, values);
  return { values, left, right };
}

/** Rotates the rows of `columns` until they are orthogonal, `rotation` along; returns their squared lengths. */
function orthogonalise(
  columns: Float64Array,
  rotation: Float64Array,
  m: number,
  n: number,
  tolerance: number,
): Float64Array {
  const squares = new Float64Array(n);
  for (let sweep = 0; sweep < maximumSweeps; sweep++) {
    for (let i = 0; i < n; i++) squares[i] = dot(columns, i * m, i * m, m);
    let rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const product = dot(columns, p * m, q * m, m);
        const squareP = squares[p] as number;
        const squareQ = squares[q] as number;
        if (!(Math.abs(product) > tolerance * Math.sqrt(squareP) * Math.sqrt(squareQ))) continue;
        rotated = true;
        const zeta = (squareQ - squareP) / (2 * product);
        const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        rotate(columns, p * m, q * m, m, cosine, cosine * tangent);
        rotate(rotation, p * n, q * n, n, cosine, cosine * tangent);
        squares[p] = Math.max(0, squareP - tangent * product);
        squares[q] = squareQ + tangent * product;
      }
    }
    if (!rotated) break;
  }
  for (let i = 0; i < n; i++) squares[i] = dot(columns, i * m, i * m, m);
  return squares;
}

function dot(values: Float64Array, a: number, b: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (values[a + i] as number) * (values[b + i] as number);
  return sum;
}

function rotate(
  values: Float64Array,
  p: number,
  q: number,
  length: number,
  cosine: number,
  sine: number,
): void {
  for (let i = 0; i < length; i++) {
    const x = values[p + i] as number;
    const y = values[q + i] as number;
    values[p + i] = cosine * x - sine * y;
    values[q + i] = sine * x + cosine * y;
  }
}

/**
 * Fills the columns of zero singular values with unit vectors orthogonal to all others. Where the rank is low, values
 * of the size of rounding take their place, whose vectors may point anywhere: those that are not orthogonal to the
 * ones before them are replaced, too.
 */
function completeColumns(left: Float64Array, m: number, n: number, values: Float64Array): void {
  const columns = transpose(left, m, n);
  const rounding = 8 * n * Number.EPSILON * (values[0] ?? 0);
  const missing: number[] = [];
  const present: number[] = [];
  for (let column = 0; column < n; column++) {
    const value = values[column] as number;
    const askew = () =>
      present.some((other) => Math.abs(dot(columns, column * m, other * m, m)) > nearlyOrthogonal);
    if (value > rounding || (value > 0 && !askew())) present.push(column);
    else missing.push(column);
  }
  let axis = 0;
  for (const column of missing) {
    for (; axis < m; axis++) {
      const candidate = columns.subarray(column * m, (column + 1) * m);
      candidate.fill(0);
      candidate[axis] = 1;
      // Twice is enough (Giraud, Langou and Rozložník, 2005).
      for (let pass = 0; pass < 2; pass++) {
        for (const other of present) {
          const sum = dot(columns, column * m, other * m, m);
          for (let i = 0; i < m; i++) {
            candidate[i] = (candidate[i] as number) - sum * (columns[other * m + i] as number);
          }
        }
      }
      const square = dot(columns, column * m, column * m, m);
      // With fewer than m vectors present, at least one of the m axes keeps a share of 1/m of its square.
      if (square < 0.5 / m) continue;
      for (let i = 0; i < m; i++)
        left[i * n + column] = (candidate[i] as number) / Math.sqrt(square);
      for (let i = 0; i < m; i++) candidate[i] = left[i * n + column] as number;
      present.push(column);
      axis++;
      break;
    }
  }
}

/**
 * The `count` largest singular values with their vectors, for factors that are stored as float32. Larger matrices go
 * through the eigenvectors of the smaller Gram matrix, whose leading span then gets an SVD of its own
 * (Rayleigh-Ritz): values down to about 1e-8 of the largest are exact, smaller ones off by no more than that.
 */
export function leadingSvd(matrix: Float64Array, m: number, n: number, count: number): Svd {
  const k = Math.min(m, n, count);
  if (Math.min(m, n) <= jacobiLimit)
    return firstColumns(jacobi(matrix, m, n, nearlyOrthogonal), m, n, k);
  if (m > n) {
    const { values, left, right } = leadingSvd(transpose(matrix, m, n), n, m, count);
    return { values, left: right, right: left };
  }
  const gram = multiply(matrix, transpose(matrix, m, n), m, n, m);
  const { vectors } = symmetricEigen(gram, m);
  const basis = new Float64Array(m * k);
  for (let i = 0; i < m; i++) basis.set(vectors.subarray(i * m, i * m + k), i * k);
  // Turned over, so that the vectors which are nearly orthogonal already are columns.
  const part = multiply(transpose(matrix, m, n), basis, n, m, k);
  const inner = jacobi(part, n, k, nearlyOrthogonal);
  return { values: inner.values, left: multiply(basis, inner.right, m, k, k), right: inner.left };
}

function firstColumns(full: Svd, m: number, n: number, count: number): Svd {
  const k = full.values.length;
  if (count === k) return full;
  const cut = (values: Float64Array, rows: number): Float64Array => {
    const result = new Float64Array(rows * count);
    for (let i = 0; i < rows; i++) result.set(values.subarray(i * k, i * k + count), i * count);
    return result;
  };
  return {
    values: full.values.slice(0, count),
    left: cut(full.left, m),
    right: cut(full.right, n),
  };
}
