/** A moving average of a parameter, which samples better than the parameter itself. */
import { add, equal, multiply, type Operand, subtract, where } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

export interface EmaOptions {
  /** Near 1: how much of the average stays at each step. */
  readonly decay: number;
  /** BOOL of one number: where false, the average stays as it is. */
  readonly apply?: Node;
}

/** The first step takes the parameter as it is (torch's AveragedModel), so that the average may begin with zeros. */
export function ema(
  average: Node,
  parameter: Node,
  step: Node,
  { decay, apply }: EmaOptions,
): Node {
  const share = where(equal(step, 1), 1, 1 - decay);
  const taken: Operand = apply ? where(apply, share, 0) : share;
  return add(average, multiply(subtract(parameter, average), taken));
}
