/** torch.nn.Linear. */
import { add, matmul, multiply, reshape } from "../build/index.ts";
import type { Node } from "../node.ts";
import { sizeOf } from "../shape.ts";
import { fanIn } from "./initial.ts";
import type { Adapter, Parameters } from "./parameters.ts";
import { sizeAt } from "./sizes.ts";

/** x [..., in] -> [..., out]; `weight` [out, in] and `bias` [out]. */
export function linear(parameters: Parameters, x: Node, out: number, { bias = true } = {}): Node {
  const inputs = sizeAt("linear", x, -1);
  const lead = x.shape.slice(0, -1);
  // One product of two matrices: many small ones, and a sum over them for the weight's gradient, are slower.
  const rows = reshape(x, [sizeOf(lead), inputs]);
  const weight = parameters("weight", [out, inputs], fanIn(inputs));
  const adapter = parameters.adapter?.("weight", [out, inputs]);
  const product = adapted(rows, weight, adapter);
  const y = bias ? add(product, parameters("bias", [out], fanIn(inputs))) : product;
  return reshape(y, [...lead, out]);
}

/** rows [m, in] -> [m, out] */
function adapted(rows: Node, weight: Node, adapter: Adapter | undefined): Node {
  const by = (x: Node, matrix: Node) => matmul(x, matrix, { transposeRight: true });
  if (!adapter) return by(rows, weight);
  const { down, up, scale } = adapter;
  const base = scale ? multiply(by(multiply(rows, scale.in), weight), scale.out) : by(rows, weight);
  return add(base, by(by(rows, down), up));
}
