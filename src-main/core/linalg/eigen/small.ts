/** Eigenvalues and eigenvectors of symmetric matrices: Householder tridiagonalisation, then implicit QL. */
import { assert } from "../../errors.ts";

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** `[n, n]` row-major; column i belongs to value i. */
  readonly vectors: Float64Array;
}

/** QL needs about 1.7 turns an eigenvalue; 50 without convergence means that the matrix holds NaN or infinity. */
const maximumTurns = 50;
/** Rotations collected before they are applied to the vectors, block by block. */
const rotationsHeld = 16_384;
/** Columns of a block: two rows of it fit the first-level cache, a block of 2,000 rows the second-level one. */
const blockColumns = 64;

/** Only the lower triangle of the row-major `[n, n]` matrix is read. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const { diagonal, offDiagonal, basis } = tridiagonalise(matrix.slice(0, n * n), n);
  implicitQl(diagonal, offDiagonal, basis, n);
  const order = Array.from({ length: n }, (_, index) => index).sort(
    (a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b,
  );
  const values = Float64Array.from(order, (from) => diagonal[from] as number);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors[i * n + to] = basis[from * n + i] as number;
  });
  return { values, vectors };
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Element i couples i and i + 1; the last is 0. */
  readonly offDiagonal: Float64Array;
  /** `[n, n]`, the transposed orthogonal factor: matrix = basisᵀ T basis. */
  readonly basis: Float64Array;
}

/** All loops run along rows of the lower triangle; reflectors v have the length sqrt(2): H = I - v vᵀ. */
function tridiagonalise(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const product = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    // Row i, left of the diagonal, is reflected onto its last element.
    const v = a.subarray(i * n, i * n + i);
    offDiagonal[i - 1] = reflector(v);
    product.fill(0, 0, i);
    for (let j = 0; j < i; j++) {
      const row = j * n;
      const vj = v[j] as number;
      let sum = 0;
      for (let k = 0; k < j; k++) {
        const value = a[row + k] as number;
        sum += value * (v[k] as number);
        product[k] = (product[k] as number) + value * vj;
      }
      product[j] = (product[j] as number) + sum + (a[row + j] as number) * vj;
    }
    let half = 0;
    for (let j = 0; j < i; j++) half += (product[j] as number) * (v[j] as number);
    half /= 2;
    for (let j = 0; j < i; j++) product[j] = (product[j] as number) - half * (v[j] as number);
    for (let j = 0; j < i; j++) {
      const row = j * n;
      const vj = v[j] as number;
      const pj = product[j] as number;
      for (let k = 0; k <= j; k++) {
        a[row + k] = (a[row + k] as number) - vj * (product[k] as number) - pj * (v[k] as number);
      }
    }
  }
  const basis = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    diagonal[i] = a[i * n + i] as number;
    basis[i * n + i] = 1;
  }
  for (let i = 1; i < n; i++) {
    const v = i * n;
    for (let j = 0; j < i; j++) {
      const row = j * n;
      let sum = 0;
      for (let k = 0; k < i; k++) sum += (basis[row + k] as number) * (a[v + k] as number);
      if (sum === 0) continue;
      for (let k = 0; k < i; k++)
        basis[row + k] = (basis[row + k] as number) - sum * (a[v + k] as number);
    }
  }
  return { diagonal, offDiagonal, basis };
}

/** Turns x into the reflector that maps it to (0, .., 0, beta) and returns beta. */
export function reflector(x: Float64Array): number {
  const last = x.length - 1;
  let largest = 0;
  for (const value of x) largest = Math.max(largest, Math.abs(value));
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = 0; i <= last; i++) {
    const value = (x[i] as number) / largest;
    x[i] = value;
    sum += value * value;
  }
  const head = x[last] as number;
  const beta = head > 0 ? -Math.sqrt(sum) : Math.sqrt(sum);
  x[last] = head - beta;
  // |v|² = 2 beta (beta - head) before it is scaled to 2.
  const scale = 1 / Math.sqrt(beta * (beta - head));
  for (let i = 0; i <= last; i++) x[i] = (x[i] as number) * scale;
  return beta * largest;
}

/** Of the vector (a, b), without overflow; Math.hypot may differ in its last bit from engine to engine. */
function length(a: number, b: number): number {
  const x = Math.abs(a);
  const y = Math.abs(b);
  const [low, high] = x < y ? [x, y] : [y, x];
  if (high === 0) return 0;
  const ratio = low / high;
  return high * Math.sqrt(1 + ratio * ratio);
}

/** EISPACK's tql2, with its rotations applied to the rows of `basis` in batches, so that they stay in the cache. */
export function implicitQl(d: Float64Array, e: Float64Array, basis: Float64Array, n: number): void {
  const rotations = new RotationBatch(basis, n);
  let shift = 0;
  let magnitude = 0;
  for (let l = 0; l < n; l++) {
    magnitude = Math.max(magnitude, Math.abs(d[l] as number) + Math.abs(e[l] as number));
    let m = l;
    while (m < n - 1 && Math.abs(e[m] as number) > Number.EPSILON * magnitude) m++;
    for (let turn = 0; m > l; turn++) {
      assert(
        turn < maximumTurns,
        "QL iteration does not converge: the matrix holds NaN or infinity",
      );
      let g = d[l] as number;
      const el = e[l] as number;
      let p = ((d[l + 1] as number) - g) / (2 * el);
      const r = p < 0 ? -length(p, 1) : length(p, 1);
      d[l] = el / (p + r);
      d[l + 1] = el * (p + r);
      const next = d[l + 1] as number;
      const move = g - (d[l] as number);
      for (let i = l + 2; i < n; i++) d[i] = (d[i] as number) - move;
      shift += move;
      p = d[m] as number;
      let c = 1;
      let c2 = 1;
      let c3 = 1;
      let s = 0;
      let s2 = 0;
      const after = e[l + 1] as number;
      for (let i = m - 1; i >= l; i--) {
        c3 = c2;
        c2 = c;
        s2 = s;
        g = c * (e[i] as number);
        const h = c * p;
        const hypotenuse = length(p, e[i] as number);
        e[i + 1] = s * hypotenuse;
        s = (e[i] as number) / hypotenuse;
        c = p / hypotenuse;
        p = c * (d[i] as number) - s * g;
        d[i + 1] = h + s * (c * g + s * (d[i] as number));
        rotations.add(i, c, s);
      }
      p = (-s * s2 * c3 * after * (e[l] as number)) / next;
      e[l] = s * p;
      d[l] = c * p;
      if (!(Math.abs(e[l] as number) > Number.EPSILON * magnitude)) break;
    }
    d[l] = (d[l] as number) + shift;
    e[l] = 0;
  }
  rotations.apply();
}

/** Plane rotations of rows i and i + 1. */
class RotationBatch {
  readonly #rows = new Int32Array(rotationsHeld);
  readonly #angles = new Float64Array(2 * rotationsHeld);
  readonly #basis: Float64Array;
  readonly #n: number;
  #count = 0;

  constructor(basis: Float64Array, n: number) {
    this.#basis = basis;
    this.#n = n;
  }

  add(row: number, cosine: number, sine: number): void {
    this.#rows[this.#count] = row;
    this.#angles[2 * this.#count] = cosine;
    this.#angles[2 * this.#count + 1] = sine;
    if (++this.#count === rotationsHeld) this.apply();
  }

  apply(): void {
    const [basis, n, count, rows, angles] = [
      this.#basis,
      this.#n,
      this.#count,
      this.#rows,
      this.#angles,
    ];
    for (let start = 0; start < n; start += blockColumns) {
      const end = Math.min(n, start + blockColumns);
      for (let at = 0; at < count; at++) {
        const upper = (rows[at] as number) * n;
        const c = angles[2 * at] as number;
        const s = angles[2 * at + 1] as number;
        for (let k = upper + start; k < upper + end; k++) {
          const x = basis[k] as number;
          const y = basis[k + n] as number;
          basis[k + n] = s * x + c * y;
          basis[k] = c * x - s * y;
        }
      }
    }
    this.#count = 0;
  }
}
