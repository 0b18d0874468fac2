/** Gradients of reductions and of what is normalised by them. */
import {
  add,
  cast,
  constant,
  divide,
  equal,
  exp,
  expand,
  mean,
  multiply,
  reshape,
  sqrt,
  square,
  subtract,
  sum,
} from "../../graph/build/index.ts";
import type { Node } from "../../graph/node.ts";
import type { Differentiation } from "../rule.ts";

/** 1 / the number of elements along some axes; symbolic sizes are counted when the graph runs. */
function shareOf(x: Node, axes: readonly number[]): Node | number {
  let known = 1;
  let counted: Node | undefined;
  for (const size of axes.map((axis) => x.shape[axis] ?? 1)) {
    if (typeof size === "number") known *= size;
    else {
      // In F32: F16 ends at 65,504.
      const count = reshape(sum(constant(1, [size])), []);
      counted = counted ? multiply(counted, count) : count;
    }
  }
  return counted ? cast(divide(1 / known, counted), x.dtype) : 1 / known;
}

export const reduction = {
  sum: ({ input, gradient }) => [() => expand(gradient, input(0).shape)],
  mean: ({ input, gradient, parameters: { axes } }) => [
    () => expand(multiply(gradient, shareOf(input(0), axes)), input(0).shape),
  ],
  /** Shared equally by all places that are largest, as torch's amax. */
  largest: ({ input, output, gradient, parameters: { axes } }) => [
    () => {
      const places = cast(equal(input(0), output), gradient.dtype);
      return multiply(places, divide(gradient, sum(places, axes)));
    },
  ],
  argmax: { because: "a place jumps from one integer to the next" },
  /** y (dy - sum(y dy)) */
  softmax: ({ output: y, gradient, parameters: { axis } }) => [
    () => multiply(y, subtract(gradient, sum(multiply(y, gradient), [axis]))),
  ],
  /** dy - exp(y) sum(dy) */
  logSoftmax: ({ output: y, gradient, parameters: { axis } }) => [
    () => subtract(gradient, multiply(exp(y), sum(gradient, [axis]))),
  ],
  /** (dy - mean(dy) - y mean(y dy)) / sqrt(variance + epsilon) */
  normalize: ({ input, output: y, gradient, parameters: { epsilon } }) => [
    () => {
      const variance = mean(square(subtract(input(0), mean(input(0), [-1]))), [-1]);
      const along = multiply(y, mean(multiply(y, gradient), [-1]));
      const across = subtract(subtract(gradient, mean(gradient, [-1])), along);
      return divide(across, sqrt(add(variance, epsilon)));
    },
  ],
} satisfies {
  [
    O in "sum" | "mean" | "largest" | "argmax" | "softmax" | "logSoftmax" | "normalize"
  ]: Differentiation<O>;
};
