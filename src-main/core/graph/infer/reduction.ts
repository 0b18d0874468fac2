/** Shapes and types of reductions, which keep their axes at size 1, and of what is normalised by them. */
import type { Signature } from "../node.ts";
import { axesOf, type InferRule, needFloat, operands } from "./rule.ts";

function reduced(inputs: readonly Signature[], { axes }: { axes: readonly number[] }): Signature {
  const [x] = operands(inputs, 1);
  needFloat(x);
  const gone = new Set(axesOf(axes, x.shape));
  return { dtype: x.dtype, shape: x.shape.map((size, axis) => (gone.has(axis) ? 1 : size)) };
}

function along(inputs: readonly Signature[], { axis }: { axis: number }): Signature {
  const [x] = operands(inputs, 1);
  needFloat(x);
  axesOf([axis], x.shape);
  return x;
}

export const reduction = {
  sum: reduced,
  mean: reduced,
  largest: reduced,
  argmax: (inputs, { axis }) => {
    const [x] = operands(inputs, 1);
    const [front] = axesOf([axis], x.shape);
    return { dtype: "I64", shape: x.shape.filter((_, each) => each !== front) };
  },
  softmax: along,
  logSoftmax: along,
  normalize: (inputs) => along(inputs, { axis: (inputs[0]?.shape.length ?? 0) - 1 }),
} satisfies {
  [
    O in "sum" | "mean" | "largest" | "argmax" | "softmax" | "logSoftmax" | "normalize"
  ]: InferRule<O>;
};
