/** Matrix products by ONNX Runtime. */
import { assert } from "../core/errors.ts";
import { type Numbers, type Product, type Products, zerosLike } from "../core/linalg/products.ts";
import type { Runtime } from "./runtime.ts";

export function runtimeProducts(runtime: Runtime): Products {
  return {
    async multiply<T extends Numbers>(product: Product<T>): Promise<T> {
      const { left, right, rows, columns, inner } = product;
      assert(
        left.length === rows * inner && right.length === inner * columns,
        `product [${String(rows)}, ${String(inner)}] x [${String(inner)}, ${String(columns)}] of ${String(left.length)} and ${String(right.length)} numbers`,
      );
      if (rows === 0 || columns === 0 || inner === 0) {
        return zerosLike(left, rows * columns);
      }
      const transposeLeft = product.transposeLeft === true;
      const transposeRight = product.transposeRight === true;
      const element = left instanceof Float32Array ? "float32" : "float64";
      const session = await runtime.gemm(element, transposeLeft, transposeRight);
      const result = zerosLike(left, rows * columns);
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
