/** Orthonormal vectors with the span of given ones, by products: what the engine is fast at. */
import { inverseCholesky } from "./positive.ts";
import type { Products } from "./products.ts";

/**
 * Added to the Gram matrix in the first pass, as a share of its trace: float32 sums lose what is smaller, and
 * without it Cholesky would break down where vectors nearly repeat each other.
 */
const shift = 1e-6;
const passes = 3;
/** After the shifted pass, vectors this short hold nothing but rounding: they become zero. */
const nothing = 1e-6;

/** How vectors lie in a row-major matrix. */
export interface Vectors {
  readonly as: "columns" | "rows";
  readonly count: number;
  readonly length: number;
}

/** Shifted Cholesky QR (Fukaya et al. 2020), three passes. Vectors that add nothing become zero. */
export async function orthonormalise(
  vectors: Float32Array,
  { as, count, length }: Vectors,
  products: Products,
): Promise<Float32Array> {
  const columns = as === "columns";
  let basis = vectors;
  for (let pass = 0; pass < passes; pass++) {
    const gram = await products.multiply({
      left: basis,
      right: basis,
      rows: count,
      columns: count,
      inner: length,
      transposeLeft: columns,
      transposeRight: !columns,
    });
    const sums = Float64Array.from(gram);
    if (pass === 0) {
      let total = 0;
      for (let i = 0; i < count; i++) total += sums[i * (count + 1)] as number;
      for (let i = 0; i < count; i++)
        sums[i * (count + 1)] = (sums[i * (count + 1)] as number) + shift * total;
    }
    const inverse = Float32Array.from(
      await inverseCholesky(sums, count, pass === 0 ? 0 : nothing, products),
    );
    basis = columns
      ? await products.multiply({
          left: basis,
          right: inverse,
          rows: length,
          columns: count,
          inner: count,
          transposeRight: true,
        })
      : await products.multiply({
          left: inverse,
          right: basis,
          rows: count,
          columns: length,
          inner: count,
        });
  }
  return basis;
}
