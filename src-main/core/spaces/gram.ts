/** Inner products of all members from their factors, block by block, and what makes them those of deviations. */
import { addSymmetric } from "../linalg/large-gram.ts";
import type { Products } from "../linalg/products.ts";

/**
 * Adds one module's inner products of deltas, `<B_i A_i, B_j A_j> = sum((B_iᵀ B_j) ∘ (A_i A_jᵀ))`,
 * without forming a delta.
 *
 * @param downs `[count * rank, columns]`, the members' `down` under each other.
 * @param ups `[count * rank, out]`, the members' transposed `up` under each other.
 */
export async function addDeltaGram(
  gram: Float32Array,
  downs: Float32Array,
  ups: Float32Array,
  count: number,
  rank: number,
  products: Products,
): Promise<void> {
  const columns = downs.length / (count * rank);
  const out = ups.length / (count * rank);
  const members = Math.max(1, Math.floor(1024 / rank));
  for (let top = 0; top < count; top += members) {
    const bottom = Math.min(count, top + members);
    for (let left = 0; left <= top; left += members) {
      const right = Math.min(count, left + members);
      const pair = (rows: Float32Array, width: number) =>
        products.multiply({
          left: rows.subarray(top * rank * width, bottom * rank * width),
          right: rows.subarray(left * rank * width, right * rank * width),
          rows: (bottom - top) * rank,
          columns: (right - left) * rank,
          inner: width,
          transposeRight: true,
        });
      const tile = foldBlocks(
        await pair(downs, columns),
        await pair(ups, out),
        bottom - top,
        right - left,
        rank,
      );
      addSymmetric(gram, tile, count, [top, bottom], [left, right]);
    }
  }
}

/** Sums the rank x rank blocks of an element-wise product: `[rows * rank, columns * rank]` to `[rows, columns]`. */
function foldBlocks(
  a: Float32Array,
  b: Float32Array,
  rows: number,
  columns: number,
  rank: number,
): Float32Array {
  const width = columns * rank;
  const folded = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let p = 0; p < rank; p++) {
        const start = (i * rank + p) * width + j * rank;
        for (let q = start; q < start + rank; q++) {
          sum += (a[q] as number) * (b[q] as number);
        }
      }
      folded[i * columns + j] = sum;
    }
  }
  return folded;
}

/** Subtracts the mean member from a Gram matrix in place: `H G H` with `H = I - 1/n`. */
export function centreGram(gram: Float32Array, count: number): void {
  const means = new Float64Array(count);
  let grand = 0;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < count; j++) sum += gram[i * count + j] as number;
    means[i] = sum / count;
    grand += sum / count / count;
  }
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      gram[i * count + j] =
        (gram[i * count + j] as number) - (means[i] as number) - (means[j] as number) + grand;
    }
  }
}

export function trace(gram: Float32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += gram[i * count + i] as number;
  return sum;
}
