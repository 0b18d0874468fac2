/** Leading singular values and vectors of large float32 matrices. */
import { assert } from "../errors.ts";
import { largeSymmetricEigen } from "./eigen/large.ts";
import { tallProducts } from "./large-gram.ts";
import { transpose } from "./multiply.ts";
import { orthonormalise } from "./orthonormalise.ts";
import type { Products } from "./products.ts";
import { findRange, type LargeMatrix } from "./range-finder.ts";

export interface TallSvd {
  /** Descending. */
  readonly values: Float64Array;
  /** `[rows, count]`, orthonormal columns. */
  readonly left: Float32Array;
  /** `[columns, count]`, likewise. */
  readonly right: Float32Array;
  /** As many as were wanted, or as are not rounding. */
  readonly count: number;
}

/** Values below this share of the largest are float32's rounding. */
const rounding = 1e-6;
/** More columns than this make an eigenproblem that takes longer than a sketch. */
const widest = 2000;
/** Halko, Martinsson and Tropp (2011), section 4.3: a few extra directions make the leading ones safe. */
const oversampling = 32;
const powers = 3;

/**
 * Up to 2,000 columns (or rows) go through the eigenvectors of their Gram matrix, whose float64 sums keep values down
 * to a millionth of the largest to three digits, larger ones to more. Beyond, a sketch comes first, and the last of
 * the values are as good as the spectrum falls.
 */
export async function tallSvd(
  matrix: LargeMatrix,
  wanted: number,
  products: Products,
  seed = 0,
): Promise<TallSvd> {
  const { values, rows, columns } = matrix;
  if (columns > rows) {
    const turned = { values: transpose(values, rows, columns), rows: columns, columns: rows };
    const found = await tallSvd(turned, wanted, products, seed);
    return { ...found, left: found.right, right: found.left };
  }
  const width = wanted + oversampling;
  if (columns <= widest || width >= columns) return throughGram(matrix, wanted, products);
  const range = await findRange(matrix, width, powers, seed, products);
  const inside = await products.multiply({
    left: values,
    right: range,
    rows: columns,
    columns: width,
    inner: rows,
    transposeLeft: true,
  });
  const turned = { values: inside, rows: columns, columns: width };
  const { right, left, ...found } = await throughGram(turned, wanted, products);
  return {
    ...found,
    left: await products.multiply({
      left: range,
      right,
      rows,
      columns: found.count,
      inner: width,
    }),
    right: left,
  };
}

async function throughGram(
  { values: matrix, rows, columns }: LargeMatrix,
  wanted: number,
  products: Products,
): Promise<TallSvd> {
  const [gram] = await tallProducts(matrix, [matrix], rows, products);
  assert(gram !== undefined, "one result for each factor");
  const most = Math.min(wanted, rows, columns);
  const eigen = await largeSymmetricEigen(gram, columns, products, most);
  const lengths = eigen.values.map((value) => Math.sqrt(Math.max(0, value)));
  const floor = rounding * (lengths[0] ?? 0);
  let count = 0;
  while (count < most && (lengths[count] as number) > floor) count++;
  const right = new Float32Array(columns * count);
  const directions = new Float32Array(columns * count);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < count; j++) {
      const value = eigen.vectors[i * most + j] as number;
      right[i * count + j] = value;
      directions[i * count + j] = value / (lengths[j] as number);
    }
  }
  const images = await products.multiply({
    left: matrix,
    right: directions,
    rows,
    columns: count,
    inner: columns,
  });
  // Orthogonal but for what float32 rounded, which is much for the smallest values.
  const left = await orthonormalise(images, { as: "columns", count, length: rows }, products);
  return { values: lengths.slice(0, count), left, right, count };
}
