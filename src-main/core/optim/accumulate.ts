/** Gradients of several steps as one: a larger batch than memory holds. */
import { add, equal, multiply, where } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

/** `count` is the number of steps that the window has behind it, a state that begins with zero. */
export function accumulationWindow(count: Node, steps: number): { last: Node; count: Node } {
  const next = add(count, 1);
  const last = equal(next, steps);
  return { last, count: where(last, 0, next) };
}

/** The total so far, and the sum that the next step begins with: zeros behind a window's last. */
export function accumulate(
  sum: Node,
  gradient: Node,
  last: Node,
  /** Whether gradients may be Inf or NaN, which a product with zero would keep; choosing costs two more passes. */
  mayOverflow = false,
): { total: Node; sum: Node } {
  const total = add(sum, gradient);
  return {
    total,
    sum: mayOverflow ? where(last, 0, total) : multiply(total, where(last, 0, 1)),
  };
}
