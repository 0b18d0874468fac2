/** Losses scaled up so that half-precision gradients do not vanish; the scale is found as the training goes. */
import { add, and, equal, less, not, power, where } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

export interface LossScalingOptions {
  /** Power of two of the first scale; 16 where absent, as in torch's GradScaler. */
  readonly exponent?: number;
  /** Good updates after which the scale doubles. */
  readonly growAfter?: number;
}

/** State that begins with zeros: doublings (less halvings) so far, and good updates since the last change. */
export interface LossScale {
  readonly doublings: Node;
  readonly good: Node;
}

/** What the loss is multiplied by, F32 of one number. */
export function lossScale(
  { doublings }: LossScale,
  { exponent = 16 }: LossScalingOptions = {},
): Node {
  return power(2, add(doublings, exponent));
}

/** Whether no gradient is Inf or NaN, by their global norm: a comparison with NaN is false. */
export function isFinite(norm: Node): Node {
  return less(norm, Number.POSITIVE_INFINITY);
}

/** Half the scale where a gradient was not finite; twice after enough good ones. Only where `last` of a window is. */
export function nextLossScale(
  { doublings, good }: LossScale,
  finite: Node,
  last: Node | undefined,
  { growAfter = 2000 }: LossScalingOptions = {},
): LossScale {
  const count = add(good, 1);
  const grows = equal(count, growAfter);
  const changed = add(doublings, where(finite, where(grows, 1, 0), -1));
  const counted = where(and(finite, not(grows)), count, 0);
  return {
    doublings: last ? where(last, changed, doublings) : changed,
    good: last ? where(last, counted, good) : counted,
  };
}
