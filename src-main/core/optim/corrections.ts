/** Sums of the weights that a moving average has given out, for the correction of its bias. */
import { add, divide, multiply, tanh } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

/**
 * 1 + decay + ... + decay^(step - 1) = (1 - decay^step) / (1 - decay), for a step from 1 on.
 *
 * 1 - exp(-x) is written as 2 t / (1 + t) with t = tanh(x / 2): the difference itself would lose four of float32's
 * seven digits at the first steps of decay 0.999.
 */
export function weightsGiven(decay: number, step: Node): Node {
  const half = tanh(multiply(step, -Math.log(decay) / 2));
  return divide(multiply(half, 2 / (1 - decay)), add(half, 1));
}
