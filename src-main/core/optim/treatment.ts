/** What happens to gradients between the backward pass and the optimiser: summed, measured, clipped, scaled back. */
import { and, divide, multiply, type Operand, where } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";
import { accumulate, accumulationWindow } from "./accumulate.ts";
import type { Slope } from "./groups.ts";
import { clippingFactor, globalNorm } from "./clip.ts";
import { isFinite, lossScale, type LossScale, nextLossScale } from "./loss-scaling.ts";
import type { LossScalingOptions } from "./loss-scaling.ts";
import type { State } from "./state.ts";

export interface TreatmentOptions {
  /** Limit of the gradients' global norm. */
  readonly clip?: number;
  /** Steps whose gradients' mean makes one update. */
  readonly accumulate?: number;
  readonly lossScaling?: LossScalingOptions;
  /** Whether the norm is told, true where absent: a pass over all gradients, which clipping and scaling need anyway. */
  readonly gradientNorm?: boolean;
}

export interface Treated {
  readonly gradients: readonly Node[];
  readonly norm: Node | undefined;
  /** BOOL: whether this step updates; absent where every one does. The gradients are zeros where it does not. */
  readonly apply: Node | undefined;
}

/** `scale` is the state whose scale the loss was multiplied by. */
export function treated(
  slopes: readonly Slope[],
  options: TreatmentOptions,
  scale: LossScale | undefined,
  state: State,
): Treated {
  const { clip, accumulate: steps = 1, lossScaling, gradientNorm = true } = options;
  const { totals, last } = summed(slopes, steps, scale !== undefined, state);
  const measured = clip !== undefined || scale || gradientNorm ? globalNorm(totals) : undefined;
  const finite = scale && measured && isFinite(measured);
  if (scale && finite) {
    const next = nextLossScale(scale, finite, last, lossScaling);
    state.next.set("loss-doublings", next.doublings).set("loss-good", next.good);
  }
  // From a sum of scaled gradients to the mean of plain ones.
  const unit = scale ? divide(1 / steps, lossScale(scale, lossScaling)) : 1 / steps;
  const norm = measured && scaledBy(measured, unit);
  const factor = clip !== undefined && norm ? scaledBy(clippingFactor(norm, clip), unit) : unit;
  const apply = last && finite ? and(last, finite) : (last ?? finite);
  const taken = apply ? where(apply, factor, 0) : factor;
  return {
    gradients: totals.map((total) => {
      const scaled = scaledBy(total, taken);
      // Inf times zero is NaN.
      return finite ? where(finite, scaled, 0) : scaled;
    }),
    norm,
    apply,
  };
}

/** Sums over a window of steps; `last` says whether it closes, and is absent where there is no window. */
function summed(
  slopes: readonly Slope[],
  steps: number,
  mayOverflow: boolean,
  state: State,
): { totals: Node[]; last: Node | undefined } {
  if (steps === 1) return { totals: slopes.map(({ gradient }) => gradient), last: undefined };
  const window = accumulationWindow(state.zeros("window"), steps);
  state.next.set("window", window.count);
  const totals = slopes.map(({ name, shape, gradient }) => {
    const before = state.zeros(`sum:${name}`, shape);
    const { total, sum } = accumulate(before, gradient, window.last, mayOverflow);
    state.next.set(`sum:${name}`, sum);
    return total;
  });
  return { totals, last: window.last };
}

function scaledBy(x: Node, factor: Operand): Node {
  return factor === 1 ? x : multiply(x, factor);
}
