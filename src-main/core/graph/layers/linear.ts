/** torch.nn.Linear. */
import { add, matmul, reshape } from "../build/index.ts";
import type { Node } from "../node.ts";
import { sizeOf } from "../shape.ts";
import { fanIn } from "./initial.ts";
import type { Parameters } from "./parameters.ts";
import { sizeAt } from "./sizes.ts";

/** x [..., in] -> [..., out]; `weight` [out, in] and `bias` [out]. */
export function linear(parameters: Parameters, x: Node, out: number, { bias = true } = {}): Node {
  const inputs = sizeAt("linear", x, -1);
  const lead = x.shape.slice(0, -1);
  // One product of two matrices: many small ones, and a sum over them for the weight's gradient, are slower.
  const rows = reshape(x, [sizeOf(lead), inputs]);
  const weight = parameters("weight", [out, inputs], fanIn(inputs));
  const product = matmul(rows, weight, { transposeRight: true });
  const y = bias ? add(product, parameters("bias", [out], fanIn(inputs))) : product;
  return reshape(y, [...lead, out]);
}
