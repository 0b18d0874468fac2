/** AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101): decay apart from the gradient, corrected bias. */
import {
  add,
  divide,
  multiply,
  type Operand,
  sqrt,
  square,
  subtract,
  where,
} from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";
import { weightsGiven } from "./corrections.ts";

export interface AdamWOptions {
  /** Learning rate: a number, or a node of one number. */
  readonly rate: Operand;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  /** BOOL of one number: where false, and the gradient is zero, nothing changes. */
  readonly apply?: Node;
}

/**
 * Sums, not means: `first` = g_t + beta1 g_(t-1) + ..., `second` likewise of squares. torch's moments are these times
 * (1 - beta). Each operator over a parameter is one pass over memory, and this saves two; numbers that change with
 * the step are computed once as scalars.
 */
export interface Moments {
  readonly first: Node;
  readonly second: Node;
}

/** `step` counts from 1, F32 of one number. All begin with zeros. */
export function adamw(
  parameter: Node,
  gradient: Node,
  moments: Moments,
  step: Node,
  options: AdamWOptions,
): Moments & { readonly parameter: Node } {
  const { rate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, apply } = options;
  const applied = (value: Operand, otherwise: number): Operand =>
    apply ? where(apply, value, otherwise) : value;

  const first = add(multiply(moments.first, applied(beta1, 1)), gradient);
  const second = add(multiply(moments.second, applied(beta2, 1)), square(gradient));
  // first / w1 and second / w2 are the means, so the step is rate (first / w1) / (sqrt(second / w2) + epsilon).
  const root = sqrt(weightsGiven(beta2, step));
  const length = divide(multiply(rate, root), weightsGiven(beta1, step));
  const direction = divide(first, add(sqrt(second), multiply(root, epsilon)));
  const kept =
    weightDecay === 0
      ? parameter
      : multiply(parameter, applied(subtract(1, multiply(rate, weightDecay)), 1));
  return {
    parameter: subtract(kept, multiply(direction, applied(length, 0))),
    first,
    second,
  };
}
