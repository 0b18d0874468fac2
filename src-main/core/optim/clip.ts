/** The norm of all gradients together, and its limit. */
import { add, concat, divide, minimum, reshape, sqrt, square, sum } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

/** F32 of one number; Inf or NaN where a gradient holds one. */
export function globalNorm(gradients: readonly Node[]): Node {
  const squares = gradients.map((gradient) => reshape(sum(square(gradient)), [1]));
  return sqrt(reshape(sum(concat(squares, 0)), []));
}

/** What gradients of this norm are multiplied by, so that theirs is no more than `limit`: torch's clip_grad_norm_. */
export function clippingFactor(norm: Node, limit: number): Node {
  return minimum(divide(limit, add(norm, 1e-6)), 1);
}
