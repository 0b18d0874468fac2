/** Pivoted Cholesky factorisation of Gram matrices, which tells independent columns from dependent ones. */

/**
 * Smallest squared share of a column that must be new against the columns before it. Gram matrices square the
 * condition number: at 1e-7 orthogonality still holds to about 1e-8, beyond what float32 factors can show.
 */
const independence = 1e-7;

export interface PivotedCholesky {
  /** Indices of the independent columns in the order of elimination, then the dependent ones. */
  readonly order: Int32Array;
  /** How many of them are independent. */
  readonly independent: number;
  /** `[independent, n]`, columns as in the input: `gram = RᵀR` on the independent ones. */
  readonly r: Float64Array;
}

/** NaN in, NaN out: a Gram matrix that is not finite gives factors that are not. */
export function pivotedCholesky(gram: Float64Array, n: number): PivotedCholesky {
  const scale = new Float64Array(n);
  const left = new Float64Array(n).fill(1);
  for (let i = 0; i < n; i++) scale[i] = Math.sqrt(gram[i * n + i] as number);
  for (let i = 0; i < n; i++) if (!((scale[i] as number) > 0)) left[i] = 0;
  const order = Int32Array.from({ length: n }, (_, index) => index);
  const r = new Float64Array(n * n);
  if (!gram.every(Number.isFinite)) return { order, independent: n, r: r.fill(Number.NaN) };
  let count = 0;
  for (; count < n; count++) {
    // Shares are relative to each column's own length, so a column is not lost for being short.
    let best = count;
    for (let j = count + 1; j < n; j++) {
      if ((left[order[j] as number] as number) > (left[order[best] as number] as number)) best = j;
    }
    const pivot = order[best] as number;
    if (!((left[pivot] as number) > independence)) break;
    order[best] = order[count] as number;
    order[count] = pivot;
    const length = Math.sqrt(left[pivot] as number) * (scale[pivot] as number);
    const row = count * n;
    r[row + pivot] = length;
    for (let at = count + 1; at < n; at++) {
      const j = order[at] as number;
      let value = gram[pivot * n + j] as number;
      for (let k = 0; k < count; k++)
        value -= (r[k * n + pivot] as number) * (r[k * n + j] as number);
      value /= length;
      r[row + j] = value;
      const share = value / (scale[j] as number);
      if (share === share) left[j] = (left[j] as number) - share * share;
    }
  }
  return { order, independent: count, r: r.slice(0, count * n) };
}

/**
 * `[n, columns]` x with `R x = t` on the independent rows of x and zero on the others;
 * t is `[independent, columns]`.
 */
export function solveUpper(
  factor: PivotedCholesky,
  t: Float64Array,
  n: number,
  columns: number,
): Float64Array {
  const x = new Float64Array(n * columns);
  for (let i = factor.independent - 1; i >= 0; i--) {
    const to = (factor.order[i] as number) * columns;
    const row = i * n;
    x.set(t.subarray(i * columns, (i + 1) * columns), to);
    for (let k = i + 1; k < factor.independent; k++) {
      const other = factor.order[k] as number;
      const scale = factor.r[row + other] as number;
      for (let c = 0; c < columns; c++) {
        x[to + c] = (x[to + c] as number) - scale * (x[other * columns + c] as number);
      }
    }
    const diagonal = factor.r[row + (factor.order[i] as number)] as number;
    for (let c = 0; c < columns; c++) x[to + c] = (x[to + c] as number) / diagonal;
  }
  return x;
}

/** `[independent, columns]` x with `Rᵀ x = t` on the independent rows of t `[n, columns]`. */
export function solveLower(
  factor: PivotedCholesky,
  t: Float64Array,
  n: number,
  columns: number,
): Float64Array {
  const x = new Float64Array(factor.independent * columns);
  for (let i = 0; i < factor.independent; i++) {
    const own = factor.order[i] as number;
    x.set(t.subarray(own * columns, (own + 1) * columns), i * columns);
    for (let k = 0; k < i; k++) {
      const scale = factor.r[k * n + own] as number;
      for (let c = 0; c < columns; c++) {
        x[i * columns + c] =
          (x[i * columns + c] as number) - scale * (x[k * columns + c] as number);
      }
    }
    const diagonal = factor.r[i * n + own] as number;
    for (let c = 0; c < columns; c++)
      x[i * columns + c] = (x[i * columns + c] as number) / diagonal;
  }
  return x;
}
