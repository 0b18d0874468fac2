/** Values of reductions and of what is normalised by them. */
import type { EvaluateRule } from "./rule.ts";
import { along, at, fill, type Index, type Tensor64, total } from "./tensor.ts";

/** The elements that differ from one only along these axes. */
function slab(x: Tensor64, axes: readonly number[], index: Index): number[] {
  return Array.from(along(x.shape, axes, index), (other) => at(x, other));
}

const average = (values: readonly number[]) => total(values) / values.length;
const top = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const exponentials = (values: readonly number[]) =>
  values.map((value) => Math.exp(value - top(values)));

export const reduction = {
  sum: ({ input, shape, parameters: { axes } }) =>
    fill(shape, (index) => total(slab(input(0), axes, index))),
  mean: ({ input, shape, parameters: { axes } }) =>
    fill(shape, (index) => average(slab(input(0), axes, index))),
  largest: ({ input, shape, parameters: { axes } }) =>
    fill(shape, (index) => top(slab(input(0), axes, index))),
  /** The first of equals. */
  argmax: ({ input, shape, parameters: { axis } }) =>
    fill(shape, (index) => {
      const values = slab(input(0), [axis], index.toSpliced(axis, 0, 0));
      return values.indexOf(top(values));
    }),
  softmax: ({ input, shape, parameters: { axis } }) =>
    fill(shape, (index) => {
      const values = slab(input(0), [axis], index);
      return Math.exp(at(input(0), index) - top(values)) / total(exponentials(values));
    }),
  logSoftmax: ({ input, shape, parameters: { axis } }) =>
    fill(shape, (index) => {
      const values = slab(input(0), [axis], index);
      return at(input(0), index) - top(values) - Math.log(total(exponentials(values)));
    }),
  normalize: ({ input, shape, parameters: { epsilon } }) =>
    fill(shape, (index) => {
      const values = slab(input(0), [shape.length - 1], index);
      const mean = average(values);
      const variance = average(values.map((value) => (value - mean) ** 2));
      return (at(input(0), index) - mean) / Math.sqrt(variance + epsilon);
    }),
} satisfies {
  [
    O in "sum" | "mean" | "largest" | "argmax" | "softmax" | "logSoftmax" | "normalize"
  ]: EvaluateRule<O>;
};
