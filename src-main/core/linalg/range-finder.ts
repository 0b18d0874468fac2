/** A basis that holds most of a large matrix, from its products with random vectors. */
import { seededRandom } from "../tensor/random.ts";
import { orthonormalise } from "./orthonormalise.ts";
import type { Products } from "./products.ts";

export interface LargeMatrix {
  /** Row-major. */
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Orthonormal columns `[rows, width]` whose span is close to the leading left singular vectors': random vectors,
 * multiplied by the matrix and `powers` times there and back (Halko, Martinsson and Tropp 2011, algorithm 4.4).
 */
export async function findRange(
  { values, rows, columns }: LargeMatrix,
  width: number,
  powers: number,
  seed: number,
  products: Products,
): Promise<Float32Array> {
  const random = seededRandom(seed);
  const basis = (vectors: Float32Array, length: number) =>
    orthonormalise(vectors, { as: "columns", count: width, length }, products);
  const forth = (right: Float32Array) =>
    products.multiply({ left: values, right, rows, columns: width, inner: columns });
  const back = (right: Float32Array) =>
    products.multiply({
      left: values,
      right,
      rows: columns,
      columns: width,
      inner: rows,
      transposeLeft: true,
    });
  const start = Float32Array.from({ length: columns * width }, () => random.normal());
  let range = await basis(await forth(start), rows);
  for (let power = 0; power < powers; power++) {
    range = await basis(await forth(await basis(await back(range), columns)), rows);
  }
  return range;
}
