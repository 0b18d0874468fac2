/** Learning rates over the steps: a linear warm-up, then constant or falling as a cosine. */
import {
  add,
  cos,
  divide,
  less,
  maximum,
  minimum,
  multiply,
  subtract,
  where,
} from "../graph/build/index.ts";
import { scalar } from "../graph/build/leaves.ts";
import type { Node } from "../graph/node.ts";

export interface Schedule {
  readonly rate: number;
  /** Steps until the full rate: step t of them has rate t / warmUp. */
  readonly warmUp?: number;
  /** Where absent, the rate stays. */
  readonly cosine?: {
    /** Steps from the end of the warm-up to the floor, at which the rate stays. */
    readonly steps: number;
    readonly floor?: number;
  };
}

/** The rate of a step, which counts from 1; F32 of one number. */
export function scheduledRate({ rate, warmUp = 0, cosine }: Schedule, step: Node): Node {
  let later = scalar(rate);
  if (cosine) {
    const { steps, floor = 0 } = cosine;
    const done = minimum(divide(maximum(subtract(step, warmUp + 1), 0), steps), 1);
    later = add(multiply(add(cos(multiply(done, Math.PI)), 1), (rate - floor) / 2), floor);
  }
  return warmUp === 0 ? later : where(less(step, warmUp + 1), multiply(step, rate / warmUp), later);
}

/** The same as a plain number, for what is shown. */
export function rateAt({ rate, warmUp = 0, cosine }: Schedule, step: number): number {
  if (step <= warmUp) return (rate * step) / warmUp;
  if (!cosine) return rate;
  const { steps, floor = 0 } = cosine;
  const done = Math.min((step - warmUp - 1) / steps, 1);
  return floor + ((rate - floor) / 2) * (1 + Math.cos(done * Math.PI));
}
