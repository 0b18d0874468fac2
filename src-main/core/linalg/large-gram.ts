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

/** `leftᵀ · right` of two tall float32 matrices, `[columnsLeft, columnsRight]`, with float64 sums. */
export async function tallProduct(
  left: Float32Array,
  right: Float32Array,
  rows: number,
  products: Products,
): Promise<Float64Array> {
  const [columnsLeft, columnsRight] = [left.length / rows, right.length / rows];
  let [sum, next] = [
    new Float64Array(columnsLeft * columnsRight),
    new Float64Array(columnsLeft * columnsRight),
  ];
  for (let start = 0; start < rows; start += slice) {
    const end = Math.min(rows, start + slice);
    const wide = Float64Array.from(left.subarray(start * columnsLeft, end * columnsLeft));
    await products.multiply({
      left: wide,
      right:
        left === right
          ? wide
          : Float64Array.from(right.subarray(start * columnsRight, end * columnsRight)),
      rows: columnsLeft,
      columns: columnsRight,
      inner: end - start,
      transposeLeft: true,
      plus: sum,
      into: next,
    });
    [sum, next] = [next, sum];
  }
  return sum;
}
