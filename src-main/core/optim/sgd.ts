/** Stochastic gradient descent with momentum, as torch.optim.SGD without dampening. */
import { add, multiply, type Operand, subtract, where } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

export interface SgdOptions {
  /** Learning rate: a number, or a node of one number. */
  readonly rate: Operand;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** Added to the gradient, unlike AdamW's. */
  readonly weightDecay?: number;
  /** BOOL of one number: where false, and the gradient is zero, nothing changes. */
  readonly apply?: Node;
}

/** `velocity` begins with zeros. */
export function sgd(
  parameter: Node,
  gradient: Node,
  velocity: Node,
  { rate, momentum = 0.9, nesterov = false, weightDecay = 0, apply }: SgdOptions,
): { parameter: Node; velocity: Node } {
  const applied = (value: Operand, otherwise: number): Operand =>
    apply ? where(apply, value, otherwise) : value;
  const slope =
    weightDecay === 0 ? gradient : add(gradient, multiply(parameter, applied(weightDecay, 0)));
  const next = add(multiply(velocity, applied(momentum, 1)), slope);
  const direction = nesterov ? add(slope, multiply(next, momentum)) : next;
  return {
    parameter: subtract(parameter, multiply(direction, applied(rate, 0))),
    velocity: next,
  };
}
