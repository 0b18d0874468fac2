/** Many Householder reflectors at once, as products (the compact form of Schreiber and Van Loan 1989). */
import type { Products } from "../products.ts";

/** Reflectors to a product. */
const block = 64;

/**
 * The columns of `[n, width]` x after all reflectors, `H_(n-1) … H_1 x` with `H_i = I - v vᵀ`. The input is overwritten;
 * the result may be the same array.
 *
 * @param reflectors `[n, n]`: row i holds the i elements of v, of length sqrt(2).
 */
export async function applyReflectors(
  reflectors: Float64Array,
  x: Float64Array,
  n: number,
  width: number,
  products: Products,
): Promise<Float64Array> {
  let from = x;
  let to: Float64Array = new Float64Array(n * width);
  // Rows of `from` from here on are still those of x.
  let done = 0;
  for (let first = 1; first < n; first += block) {
    const last = Math.min(n, first + block);
    const count = last - first;
    // The last vector of the block has this many elements, and nothing below that row changes.
    const length = last - 1;
    if (from !== x) from.set(x.subarray(done * width, length * width), done * width);
    const vectors = new Float64Array(count * length);
    for (let i = first; i < last; i++) {
      vectors.set(reflectors.subarray(i * n, i * n + i), (i - first) * length);
    }
    const inner = await products.multiply({
      left: vectors,
      right: vectors,
      rows: count,
      columns: count,
      inner: length,
      transposeRight: true,
    });
    const old = from.subarray(0, length * width);
    const shares = await products.multiply({
      left: vectors,
      right: old,
      rows: count,
      columns: width,
      inner: length,
    });
    const weighted = await products.multiply({
      left: minusInverse(inner, count),
      right: shares,
      rows: count,
      columns: width,
      inner: count,
    });
    await products.multiply({
      left: vectors,
      right: weighted,
      rows: length,
      columns: width,
      inner: count,
      transposeLeft: true,
      plus: old,
      into: to.subarray(0, length * width),
    });
    [from, to] = [to, from];
    done = length;
  }
  if (from !== x) from.set(x.subarray(done * width), done * width);
  return from;
}

/**
 * `-T⁻¹`, where the block is `I - Vᵀ T⁻¹ V` and T the lower triangle of the vectors' inner products, with ones (halves
 * of theirs) on the diagonal: later reflectors see what earlier ones left.
 */
function minusInverse(inner: Float64Array, count: number): Float64Array {
  const inverse = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    const own = i * count;
    inverse[own + i] = -1;
    for (let j = 0; j < i; j++) {
      const factor = inner[own + j] as number;
      for (let c = 0; c <= j; c++) {
        inverse[own + c] =
          (inverse[own + c] as number) - factor * (inverse[j * count + c] as number);
      }
    }
  }
  return inverse;
}
