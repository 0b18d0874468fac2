/**
 * Roots of the secular equation `1 + rho · sum(z_i² / (d_i - x)) = 0`: the eigenvalues of a diagonal matrix plus a
 * matrix of rank one (Cuppen 1981; Li 1993, "the middle way", LAPACK's dlaed4).
 */
import { assert } from "../../errors.ts";

/** Interpolation needs 3 to 6 steps; halving the bracket, which takes over where it stalls, at most some 60. */
const maximumSteps = 100;

/** The sum's terms left and right of the root, and the slopes of both. */
interface Sums {
  left: number;
  right: number;
  leftSlope: number;
  rightSlope: number;
}

/**
 * Writes `d_i - x_j` for root j, between d_j and d_(j+1), into row j of `gaps` `[k, k]`, each to nearly full relative
 * accuracy, and returns the roots.
 *
 * @param d Ascending, no two alike; z without zeros, of length 1; rho positive.
 */
export function secularRoots(
  d: Float64Array,
  z: Float64Array,
  rho: number,
  gaps: Float64Array,
): Float64Array {
  const k = d.length;
  const weights = z.map((value) => rho * value * value);
  const roots = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    const row = gaps.subarray(j * k, (j + 1) * k);
    roots[j] = findRoot(d, weights, rho, j, row);
  }
  return roots;
}

/** `row` holds the poles relative to the nearer neighbour of the root, and in the end to the root. */
function findRoot(
  d: Float64Array,
  weights: Float64Array,
  rho: number,
  j: number,
  row: Float64Array,
): number {
  const last = j === d.length - 1;
  const pole = d[j] as number;
  if (d.length === 1) {
    row[0] = -(weights[0] as number);
    return pole + (weights[0] as number);
  }
  const gap = last ? rho : (d[j + 1] as number) - pole;
  const sums: Sums = { left: 0, right: 0, leftSlope: 0, rightSlope: 0 };
  shift(d, pole, row);
  let x = gap / 2;
  let value = evaluate(row, weights, j, x, sums);
  let [low, high] = value < 0 ? [x, gap] : [0, x];
  let near = j;
  let origin = pole;
  if (value < 0 && !last) {
    // Measured from the nearer pole: the difference to it must not cancel.
    near = j + 1;
    origin = d[near] as number;
    shift(d, origin, row);
    [x, low, high] = [-x, -x, 0];
  }
  let ownWeight = true;
  for (let step = 0; ; step++) {
    assert(step < maximumSteps, "the secular equation has no root: the matrix holds NaN");
    const enough = 8 * Number.EPSILON * (1 + Math.abs(sums.left) + Math.abs(sums.right));
    if (Math.abs(value) <= enough) break;
    if (value < 0) low = x;
    else high = x;
    let next = x + interpolate(row, weights, j, near, x, value, sums, ownWeight);
    // Outside the bracket, or slow: halve it.
    if (!(next > low && next < high) || step % 10 === 9) next = (low + high) / 2;
    const settled = Math.abs(next - x) <= Number.EPSILON * Math.abs(next);
    x = next;
    if (settled) break;
    const before = value;
    value = evaluate(row, weights, j, x, sums);
    if (value * before > 0 && Math.abs(value) > Math.abs(before) / 10) ownWeight = !ownWeight;
  }
  for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) - x;
  return origin + x;
}

function shift(d: Float64Array, origin: number, row: Float64Array): void {
  for (let i = 0; i < row.length; i++) row[i] = (d[i] as number) - origin;
}

function evaluate(
  poles: Float64Array,
  weights: Float64Array,
  j: number,
  x: number,
  sums: Sums,
): number {
  let [left, leftSlope, right, rightSlope] = [0, 0, 0, 0];
  for (let i = 0; i <= j; i++) {
    const inverse = 1 / ((poles[i] as number) - x);
    const term = (weights[i] as number) * inverse;
    left += term;
    leftSlope += term * inverse;
  }
  for (let i = poles.length - 1; i > j; i--) {
    const inverse = 1 / ((poles[i] as number) - x);
    const term = (weights[i] as number) * inverse;
    right += term;
    rightSlope += term * inverse;
  }
  sums.left = left;
  sums.leftSlope = leftSlope;
  sums.right = right;
  sums.rightSlope = rightSlope;
  return 1 + left + right;
}

/**
 * The step to the root of `c + s / (near pole - x) + t / (other pole - x)`, which agrees in value and slope. Either s
 * is the near pole's own weight ("fixed weight"), or each pole stands for all poles on its side ("middle way").
 */
function interpolate(
  poles: Float64Array,
  weights: Float64Array,
  j: number,
  near: number,
  x: number,
  value: number,
  { leftSlope, rightSlope }: Sums,
  ownWeight: boolean,
): number {
  const toNear = (poles[near] as number) - x;
  const slope = leftSlope + rightSlope;
  // Beyond the last pole there is no other one on the right; the one before it takes its place.
  const beyond = j === poles.length - 1;
  const other = beyond ? j - 1 : near === j ? j + 1 : j;
  const toOther = (poles[other] as number) - x;
  const s =
    ownWeight || beyond
      ? (weights[near] as number)
      : toNear * toNear * (near === j ? leftSlope : rightSlope);
  const t = toOther * toOther * (slope - s / (toNear * toNear));
  const c = value - s / toNear - t / toOther;
  const a = c * (toNear + toOther) + s + t;
  const b = toNear * toOther * value;
  const root = Math.sqrt(Math.max(0, a * a - 4 * b * c));
  // Of the two solutions the one between the poles, or beyond both, in the form that does not cancel.
  if (beyond) return a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root);
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}

/**
 * The given elements of the unit eigenvectors, in rows, from the gaps that `secularRoots` found (which are used up).
 * They belong to the z for which the computed roots are exact, and are orthogonal to working precision for that
 * reason (Gu and Eisenstat 1994).
 *
 * @param wanted Lists of indices: a result `[k, list]` for each.
 */
export function unitVectors(
  d: Float64Array,
  z: Float64Array,
  gaps: Float64Array,
  wanted: readonly Int32Array[],
): Float64Array[] {
  const k = d.length;
  const exact = exactWeights(d, z, gaps);
  const results = wanted.map((list) => new Float64Array(k * list.length));
  for (let j = 0; j < k; j++) {
    const row = gaps.subarray(j * k, (j + 1) * k);
    let sum = 0;
    for (let i = 0; i < k; i++) {
      const value = (exact[i] as number) / (row[i] as number);
      row[i] = value;
      sum += value * value;
    }
    const scale = 1 / Math.sqrt(sum);
    for (const [at, list] of wanted.entries()) {
      const result = results[at] as Float64Array;
      const to = j * list.length;
      for (let i = 0; i < list.length; i++) {
        result[to + i] = scale * (row[list[i] as number] as number);
      }
    }
  }
  return results;
}

/** `z_i² = product over j of (x_j - d_i), over that of (d_j - d_i) without i itself`; rho drops out of unit vectors. */
function exactWeights(d: Float64Array, z: Float64Array, gaps: Float64Array): Float64Array {
  const k = d.length;
  const squares = new Float64Array(k).fill(1);
  for (let j = 0; j < k; j++) {
    const row = gaps.subarray(j * k, (j + 1) * k);
    const pole = d[j] as number;
    for (let i = 0; i < k; i++) {
      const ratio = (row[i] as number) / (i === j ? 1 : (d[i] as number) - pole);
      squares[i] = (squares[i] as number) * ratio;
    }
  }
  return squares.map((square, i) => Math.sqrt(Math.abs(square)) * ((z[i] as number) < 0 ? -1 : 1));
}
