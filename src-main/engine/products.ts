/** Matrix products by ONNX Runtime. */
import { assert } from "../core/errors.ts";
import { type Numbers, type Product, type Products, zerosLike } from "../core/linalg/products.ts";
import { written } from "./gemm.ts";
import type { Runtime } from "./runtime.ts";

export function runtimeProducts(runtime: Runtime): Products {
  return {
    async multiply<T extends Numbers>(product: Product<T>): Promise<T> {
      const { left, right, rows, columns, inner, plus, into } = product;
      const size = rows * columns;
      assert(
        left.length === rows * inner &&
          right.length === inner * columns &&
          (plus?.length ?? size) === size &&
          (into?.length ?? size) === size,
        `product [${String(rows)}, ${String(inner)}] x [${String(inner)}, ${String(columns)}] of ${String(left.length)} and ${String(right.length)} numbers`,
      );
      const result = into ?? zerosLike(left, size);
      if (size === 0) return result;
      if (inner === 0) {
        if (plus === undefined) result.fill(0);
        else result.set(plus);
        return result;
      }
      const transposeLeft = product.transposeLeft === true;
      const transposeRight = product.transposeRight === true;
      const session = await runtime.gemm({
        element: left instanceof Float32Array ? "float32" : "float64",
        transposeLeft,
        transposeRight,
        plus: plus !== undefined,
      });
      const feeds = {
        left: runtime.tensor(left, transposeLeft ? [inner, rows] : [rows, inner]),
        right: runtime.tensor(right, transposeRight ? [columns, inner] : [inner, columns]),
        ...(plus === undefined ? {} : { plus: runtime.tensor(plus, [rows, columns]) }),
      };
      try {
        await session.run(feeds, {
          [written]: null,
          result: runtime.tensor(result, [rows, columns]),
        });
      } catch (error) {
        // The one output that cannot be converted: the result is in its place by then, and not copied once more.
        if (!(error instanceof Error) || !error.message.startsWith("Non tensor type")) throw error;
      }
      return result;
    },
  };
}
