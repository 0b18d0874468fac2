/** Householder QR of dense float64 matrices: makes orthonormal columns for tests. */

export interface Qr {
  /** `[m, k]` with orthonormal columns, k = min(m, n). */
  readonly q: Float64Array;
  /** `[k, n]`, upper triangular (trapezoidal where n exceeds m). */
  readonly r: Float64Array;
}

/** Row-major `[m, n]`; the input is left as it is. Rank-deficient input is fine: q stays orthonormal. */
export function qr(matrix: Float64Array, m: number, n: number): Qr {
  const k = Math.min(m, n);
  // Columns lie in rows here, so that every inner loop is contiguous.
  const columns = new Float64Array(n * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) columns[j * m + i] = matrix[i * n + j] as number;
  }
  const reflectors = new Float64Array(k * m);
  const r = new Float64Array(k * n);
  for (let j = 0; j < k; j++) {
    const vector = reflectors.subarray(j * m, (j + 1) * m);
    const beta = makeReflector(columns, j * m, m, j, vector);
    r[j * n + j] = beta;
    for (let other = j + 1; other < n; other++) {
      reflect(columns, other * m, m, j, vector);
      r[j * n + other] = columns[other * m + j] as number;
    }
  }
  const transposed = new Float64Array(k * m);
  for (let column = k - 1; column >= 0; column--) {
    transposed[column * m + column] = 1;
    for (let j = column; j >= 0; j--)
      reflect(transposed, column * m, m, j, reflectors.subarray(j * m, (j + 1) * m));
  }
  const q = new Float64Array(m * k);
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < m; i++) q[i * k + j] = transposed[j * m + i] as number;
  }
  return { q, r };
}

/**
 * Writes the vector v of length sqrt(2) with (I - v vᵀ) x = (x_0.., beta, 0, ..) and returns beta;
 * v stays zero where there is nothing to reflect.
 */
function makeReflector(
  values: Float64Array,
  at: number,
  m: number,
  start: number,
  vector: Float64Array,
): number {
  let largest = 0;
  for (let i = start; i < m; i++) largest = Math.max(largest, Math.abs(values[at + i] as number));
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = start; i < m; i++) {
    const value = (values[at + i] as number) / largest;
    vector[i] = value;
    sum += value * value;
  }
  const head = vector[start] as number;
  const length = head > 0 ? -Math.sqrt(sum) : Math.sqrt(sum);
  vector[start] = head - length;
  // |v|² = sum - 2 head length + length² = 2 length (length - head); scaled to 2.
  const scale = 1 / Math.sqrt(length * (length - head));
  for (let i = start; i < m; i++) vector[i] = (vector[i] as number) * scale;
  return length * largest;
}

function reflect(
  values: Float64Array,
  at: number,
  m: number,
  start: number,
  vector: Float64Array,
): void {
  let sum = 0;
  for (let i = start; i < m; i++) sum += (values[at + i] as number) * (vector[i] as number);
  if (sum === 0) return;
  for (let i = start; i < m; i++)
    values[at + i] = (values[at + i] as number) - sum * (vector[i] as number);
}
