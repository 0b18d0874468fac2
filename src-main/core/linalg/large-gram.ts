/** Gram matrices of what is large, by products: float32 block by block, or float64 sums slice by slice. */
import type { Products } from "./products.ts";

/** Vectors in a block: 512 x 512 results are large enough that the product, not the call, is what takes time. */
const block = 512;
/** Rows widened to float64 at once. */
const slice = 2048;

/** Adds `rows · rowsᵀ` to a symmetric `[count, count]` matrix, computing each pair of blocks once. */
export async function addGram(
  gram: Float32Array,
  rows: Float32Array,
  count: number,
  products: Products,
): Promise<void> {
  const width = rows.length / count;
  for (let top = 0; top < count; top += block) {
    const bottom = Math.min(count, top + block);
    for (let left = 0; left <= top; left += block) {
      const right = Math.min(count, left + block);
      const tile = await products.multiply({
        left: rows.subarray(top * width, bottom * width),
        right: rows.subarray(left * width, right * width),
        rows: bottom - top,
        columns: right - left,
        inner: width,
        transposeRight: true,
      });
      addSymmetric(gram, tile, count, [top, bottom], [left, right]);
    }
  }
}

/** Adds a tile `[rows, columns]` of the lower triangle to both triangles. */
export function addSymmetric(
  gram: Float32Array,
  tile: Float32Array,
  count: number,
  [top, bottom]: readonly [number, number],
  [left, right]: readonly [number, number],
): void {
  const width = right - left;
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < right; j++) {
      const value = tile[(i - top) * width + (j - left)] as number;
      gram[i * count + j] = (gram[i * count + j] as number) + value;
      if (top !== left) gram[j * count + i] = (gram[j * count + i] as number) + value;
    }
  }
}

/** `leftᵀ · right` of tall float32 matrices, for each of the right ones, with float64 sums. */
export async function tallProducts(
  left: Float32Array,
  rights: readonly Float32Array[],
  rows: number,
  products: Products,
): Promise<Float64Array[]> {
  const width = left.length / rows;
  // Slices are widened into the same memory again and again: new memory costs more than the numbers.
  const height = Math.min(slice, rows);
  const wide = new Float64Array(height * width);
  const sums = rights.map((right) => ({
    right,
    columns: right.length / rows,
    wide: right === left ? wide : new Float64Array((height * right.length) / rows),
    sum: new Float64Array((width * right.length) / rows),
    next: new Float64Array((width * right.length) / rows),
  }));
  for (let start = 0; start < rows; start += slice) {
    const end = Math.min(rows, start + slice);
    wide.set(left.subarray(start * width, end * width));
    for (const one of sums) {
      const { right, columns, sum } = one;
      if (right !== left) one.wide.set(right.subarray(start * columns, end * columns));
      await products.multiply({
        left: wide.subarray(0, (end - start) * width),
        right: one.wide.subarray(0, (end - start) * columns),
        rows: width,
        columns,
        inner: end - start,
        transposeLeft: true,
        plus: sum,
        into: one.next,
      });
      [one.sum, one.next] = [one.next, sum];
    }
  }
  return sums.map(({ sum }) => sum);
}
