/** Matrix products by ONNX Runtime. */
import { assert } from "../core/errors.ts";
import type { Product, Products } from "../core/spaces/products.ts";
import type { Runtime } from "./runtime.ts";

export function runtimeProducts(runtime: Runtime): Products {
  return {
    async multiply(product: Product): Promise<Float32Array> {
      const { left, right, rows, columns, inner } = product;
      assert(
        left.length === rows * inner && right.length === inner * columns,
        `product [${String(rows)}, ${String(inner)}] x [${String(inner)}, ${String(columns)}] of ${String(left.length)} and ${String(right.length)} numbers`,
      );
      if (rows === 0 || columns === 0 || inner === 0) return new Float32Array(rows * columns);
      const transposeLeft = product.transposeLeft === true;
      const transposeRight = product.transposeRight === true;
      const session = await runtime.gemm(transposeLeft, transposeRight);
      const result = new Float32Array(rows * columns);
      await session.run(
        {
          left: runtime.tensor(left, transposeLeft ? [inner, rows] : [rows, inner]),
          right: runtime.tensor(right, transposeRight ? [columns, inner] : [inner, columns]),
        },
        { result: runtime.tensor(result, [rows, columns]) },
      );
      return result;
    },
  };
}
