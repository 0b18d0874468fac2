/** Thin orthogonal factorisations F = Q R of the float32 factors of LoRAs, Q being kept as F times a small matrix. */
import { type PivotedCholesky, pivotedCholesky, solveLower, solveUpper } from "./cholesky.ts";
import { crossOfColumns, crossOfRows, gramOfColumns, gramOfRows } from "./gram.ts";
import { smallTimesWide, tallTimesSmall, transpose } from "./multiply.ts";

export interface OrthogonalBasis {
  /** Columns of Q. */
  readonly size: number;
  /** `[size, rank]`. */
  readonly r: Float64Array;
  /** `Q t` for t `[size, count]`: `[long, count]` for a tall factor, transposed for a wide one. */
  expand(t: Float64Array, count: number): Float32Array;
}

/** What a dependent column may differ from a sum of the others, relative to itself, and still be rounding alone. */
const nothing = 1e-11;

/** The same three operations on the columns of tall factors and on the rows of wide ones: its "vectors". */
interface Orientation {
  gram(values: Float32Array, rank: number): Float64Array;
  cross(a: Float32Array, rankA: number, b: Float32Array, rankB: number): Float64Array;
  /** Sums of the vectors by the columns of `small [rank, count]`. */
  combine(values: Float32Array, rank: number, small: Float64Array, count: number): Float32Array;
}

/** Of the columns of `[rows, rank]`, row-major, rank at most rows. */
export function basisOfColumns(values: Float32Array, rows: number, rank: number): OrthogonalBasis {
  return basisOf(values, rank, {
    gram: (given, count) => gramOfColumns(given, rows, count),
    cross: (a, rankA, b, rankB) => crossOfColumns(a, b, rows, rankA, rankB),
    combine: (given, from, small, count) => tallTimesSmall(given, small, rows, from, count),
  });
}

/** Of the rows of `[rank, columns]`, row-major, rank at most columns: the same for the transposed factor. */
export function basisOfRows(values: Float32Array, rank: number, columns: number): OrthogonalBasis {
  return basisOf(values, rank, {
    gram: (given, count) => gramOfRows(given, count, columns),
    cross: (a, rankA, b, rankB) => crossOfRows(a, b, rankA, rankB, columns),
    combine: (given, from, small, count) =>
      smallTimesWide(transpose(small, from, count), given, count, from, columns),
  });
}

/**
 * Q is F times a triangular inverse (Cholesky QR) where the vectors are independent enough. Those that are nearly sums
 * of the others, as in blends of LoRAs that share a matrix, are replaced by what they have of their own, which gets a
 * basis in the same way (block Gram-Schmidt with reorthogonalisation); where that is rounding alone, they drop out.
 *
 * @param floors Squared lengths below which a vector is rounding.
 */
function basisOf(
  values: Float32Array,
  rank: number,
  on: Orientation,
  floors?: Float64Array,
): OrthogonalBasis {
  const gram = on.gram(values, rank);
  const cholesky = pivotedCholesky(gram, rank);
  const size = cholesky.independent;
  const expand = (t: Float64Array, count: number) =>
    on.combine(values, rank, solveUpper(cholesky, t, rank, count), count);
  if (size === rank) return { size, r: cholesky.r, expand };
  const dependent = cholesky.order.subarray(size);
  const count = dependent.length;
  const limits =
    floors ??
    Float64Array.from({ length: rank }, (_, i) => nothing ** 2 * (gram[i * (rank + 1)] as number));
  const limitOf = (index: number) => limits[dependent[index] as number] as number;
  const own = ownParts(values, rank, on, cholesky);
  const squares = on.gram(own.parts, count);
  const alive = Array.from(dependent.keys()).filter(
    (index) => (squares[index * (count + 1)] as number) > limitOf(index),
  );
  if (alive.length === 0) return { size, r: own.r, expand };
  // Only the vectors that have something of their own go on.
  const selection = new Float64Array(count * alive.length);
  alive.forEach((index, to) => (selection[index * alive.length + to] = 1));
  const rest = basisOf(
    on.combine(own.parts, count, selection, alive.length),
    alive.length,
    on,
    Float64Array.from(alive, limitOf),
  );
  const r = new Float64Array((size + rest.size) * rank);
  r.set(own.r);
  for (let i = 0; i < rest.size; i++) {
    alive.forEach((index, at) => {
      r[(size + i) * rank + (dependent[index] as number)] = rest.r[i * alive.length + at] as number;
    });
  }
  return {
    size: size + rest.size,
    r,
    expand(t, width) {
      const sum = expand(t.subarray(0, size * width), width);
      const more = rest.expand(t.subarray(size * width), width);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number);
      return sum;
    },
  };
}

/** The dependent vectors less their best sums of independent ones, and the rows of R that say which sums. */
function ownParts(
  values: Float32Array,
  rank: number,
  on: Orientation,
  cholesky: PivotedCholesky,
): { parts: Float32Array; r: Float64Array } {
  const { independent: size, order } = cholesky;
  const count = rank - size;
  const r = cholesky.r.slice();
  // small = I on the dependent vectors, minus R⁻¹ times their part of R on the independent ones.
  const small = (): Float64Array => {
    const right = new Float64Array(size * count);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < count; j++) {
        right[i * count + j] = -(r[i * rank + (order[size + j] as number)] as number);
      }
    }
    const result = solveUpper(cholesky, right, rank, count);
    for (let j = 0; j < count; j++) result[(order[size + j] as number) * count + j] = 1;
    return result;
  };
  const first = on.combine(values, rank, small(), count);
  // The first pass leaves rounding that is large beside a small remainder; the second removes it.
  const left = solveLower(cholesky, on.cross(values, rank, first, count), rank, count);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < count; j++) {
      const at = i * rank + (order[size + j] as number);
      r[at] = (r[at] as number) + (left[i * count + j] as number);
    }
  }
  return { parts: on.combine(values, rank, small(), count), r };
}
