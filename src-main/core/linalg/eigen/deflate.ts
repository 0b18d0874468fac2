/** Deflation: pairs of the halves that are, to rounding, pairs of the whole (LAPACK's dlaed2). */

export interface Part {
  readonly start: number;
  readonly middle: number;
  readonly end: number;
}

export interface Deflation {
  /** Indices of what remains coupled: ascending values, no two of them nearly alike, all of z large enough. */
  readonly kept: readonly number[];
  /** Indices of what is an eigenpair already. */
  readonly settled: readonly number[];
  /** Where a vector is not zero: 1 left of the middle, 2 right of it, 3 both. */
  readonly sides: Uint8Array;
}

/** Changes `values`, `z` and the rows of the eigenvectors where two values are so close that one vector can take all of both z. */
export function deflate(
  values: Float64Array,
  z: Float64Array,
  rho: number,
  rows: Float64Array,
  n: number,
  { start, middle, end }: Part,
): Deflation {
  const size = values.length;
  const sides = Uint8Array.from({ length: size }, (_, i) => (start + i < middle ? 1 : 2));
  let largest = 0;
  for (let i = 0; i < size; i++) {
    largest = Math.max(largest, Math.abs(values[i] as number), Math.abs(z[i] as number));
  }
  const tolerance = 8 * Number.EPSILON * largest;
  const kept: number[] = [];
  const settled: number[] = [];
  let previous = -1;
  for (const index of merged(values, middle - start)) {
    const own = z[index] as number;
    if (rho * Math.abs(own) <= tolerance) {
      settled.push(index);
      continue;
    }
    if (previous >= 0) {
      const other = z[previous] as number;
      const both = Math.sqrt(own * own + other * other);
      const c = own / both;
      const s = -other / both;
      const gap = (values[index] as number) - (values[previous] as number);
      if (Math.abs(gap * c * s) <= tolerance) {
        z[index] = both;
        z[previous] = 0;
        const side = (sides[index] as number) | (sides[previous] as number);
        sides[index] = side;
        sides[previous] = side;
        rotate(
          rows,
          (start + previous) * n + start,
          (start + index) * n + start,
          end - start,
          c,
          s,
        );
        const low = values[previous] as number;
        const high = values[index] as number;
        values[previous] = low * c * c + high * s * s;
        values[index] = low * s * s + high * c * c;
        settled.push(previous);
        previous = index;
        continue;
      }
      kept.push(previous);
    }
    previous = index;
  }
  if (previous >= 0) kept.push(previous);
  return { kept, settled, sides };
}

/** Indices of two ascending runs, in ascending order of both. */
function merged(values: Float64Array, middle: number): Int32Array {
  const order = new Int32Array(values.length);
  let left = 0;
  let right = middle;
  for (let at = 0; at < order.length; at++) {
    const takeLeft =
      right === values.length ||
      (left < middle && (values[left] as number) <= (values[right] as number));
    order[at] = takeLeft ? left++ : right++;
  }
  return order;
}

/** BLAS's drot of two rows. */
function rotate(
  rows: Float64Array,
  a: number,
  b: number,
  length: number,
  c: number,
  s: number,
): void {
  for (let i = 0; i < length; i++) {
    const x = rows[a + i] as number;
    const y = rows[b + i] as number;
    rows[a + i] = c * x + s * y;
    rows[b + i] = c * y - s * x;
  }
}
