/** Thin orthogonal factorisations F = Q R of float32 factors of LoRAs, without ever storing Q where it can be avoided. */
import { type PivotedCholesky, pivotedCholesky, solveUpper } from "./cholesky.ts";
import { gramOfColumns, gramOfRows } from "./gram.ts";
import { multiply, smallTimesWide, tallTimesSmall } from "./multiply.ts";
import { qr } from "./qr.ts";

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

interface Factor {
  readonly rank: number;
  gram(): Float64Array;
  /** The factor times a small `[rank, count]` matrix, in the factor's own orientation. */
  times(small: Float64Array, count: number): Float32Array;
  /** Squared lengths of the `count` long vectors of such a result. */
  squares(values: Float32Array, count: number): Float64Array;
  /** Householder, for what a Gram matrix cannot tell apart. */
  householder(): OrthogonalBasis;
}

/** Of the columns of `[rows, rank]`, row-major. */
export function basisOfColumns(values: Float32Array, rows: number, rank: number): OrthogonalBasis {
  return basisOf({
    rank,
    gram: () => gramOfColumns(values, rows, rank),
    times: (small, count) => tallTimesSmall(values, small, rows, rank, count),
    squares: (result, count) => diagonal(gramOfColumns(result, rows, count), count),
    householder: () => {
      const { q, r } = qr(Float64Array.from(values), rows, rank);
      const size = Math.min(rows, rank);
      return {
        size,
        r,
        expand: (t, count) => Float32Array.from(multiply(q, t, rows, size, count)),
      };
    },
  });
}

/** Of the rows of `[rank, columns]`, row-major: the same for the transposed factor. */
export function basisOfRows(values: Float32Array, rank: number, columns: number): OrthogonalBasis {
  return basisOf({
    rank,
    gram: () => gramOfRows(values, rank, columns),
    times: (small, count) =>
      smallTimesWide(transposeSmall(small, rank, count), values, count, rank, columns),
    squares: (result, count) => diagonal(gramOfRows(result, count, columns), count),
    householder: () => {
      const { q, r } = qr(transposeSmall(values, rank, columns), columns, rank);
      const size = Math.min(columns, rank);
      return {
        size,
        r,
        expand: (t, count) => {
          const tall = multiply(q, t, columns, size, count);
          return Float32Array.from(transposeSmall(tall, columns, count));
        },
      };
    },
  });
}

/**
 * Q is F times a triangular inverse (Cholesky QR) where the columns are independent enough; columns that are sums of
 * the others, as in blends of LoRAs that share a matrix, drop out; all else goes through Householder reflections.
 */
function basisOf(factor: Factor): OrthogonalBasis {
  const { rank } = factor;
  const gram = factor.gram();
  const cholesky = pivotedCholesky(gram, rank);
  if (cholesky.independent < rank && !dependentColumnsVanish(factor, gram, cholesky)) {
    return factor.householder();
  }
  return {
    size: cholesky.independent,
    r: cholesky.r,
    expand: (t, count) => factor.times(solveUpper(cholesky, t, rank, count), count),
  };
}

/** Subtracts from each dependent column its best sum of independent ones and looks at what is left. */
function dependentColumnsVanish(
  factor: Factor,
  gram: Float64Array,
  cholesky: PivotedCholesky,
): boolean {
  const { rank } = factor;
  const { independent, order, r } = cholesky;
  const count = rank - independent;
  const right = new Float64Array(independent * count);
  for (let i = 0; i < independent; i++) {
    for (let j = 0; j < count; j++) {
      right[i * count + j] = -(r[i * rank + (order[independent + j] as number)] as number);
    }
  }
  const small = solveUpper(cholesky, right, rank, count);
  for (let j = 0; j < count; j++) small[(order[independent + j] as number) * count + j] = 1;
  const squares = factor.squares(factor.times(small, count), count);
  return squares.every((square, j) => {
    const column = order[independent + j] as number;
    return square <= nothing * nothing * (gram[column * rank + column] as number);
  });
}

function diagonal(gram: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => gram[i * n + i] as number);
}

function transposeSmall(
  values: Float64Array | Float32Array,
  rows: number,
  columns: number,
): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j] as number;
  }
  return result;
}
