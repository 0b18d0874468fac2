/** Values of reductions and of what is normalised by them. */
import type { EvaluateRule } from "./rule.ts";
import { fill, indices, type Index, offsetOf, type Tensor64, total } from "./tensor.ts";

/** Places of the elements that differ only along some axes, for one index of all of them. */
function slab(shape: readonly number[], axes: readonly number[], index: Index): number[] {
  return Array.from(indices(axes.map((axis) => shape[axis] ?? 1)), (places) =>
    offsetOf(
      shape,
      axes.reduce((at, axis, each) => at.with(axis, places[each] ?? 0), index),
    ),
  );
}

/** One number for each slab. */
function reduced(
  x: Tensor64,
  axes: readonly number[],
  shape: readonly number[],
  reduce: (values: readonly number[]) => number,
): Float64Array {
  return fill(shape, (index) =>
    reduce(slab(x.shape, axes, index).map((place) => x.values[place] ?? Number.NaN)),
  );
}

/** Each row along an axis made into another. */
function mapped(
  x: Tensor64,
  axis: number,
  map: (row: readonly number[]) => readonly number[],
): Float64Array {
  const result = new Float64Array(x.values.length);
  for (const index of indices(x.shape.with(axis, 1))) {
    const places = slab(x.shape, [axis], index);
    const row = map(places.map((place) => x.values[place] ?? Number.NaN));
    places.forEach((place, at) => (result[place] = row[at] ?? Number.NaN));
  }
  return result;
}

const average = (values: readonly number[]) => total(values) / values.length;
const top = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);

export function softmaxOf(row: readonly number[]): number[] {
  const most = top(row);
  const exponentials = row.map((value) => Math.exp(value - most));
  const sum = total(exponentials);
  return exponentials.map((value) => value / sum);
}

function logSoftmaxOf(row: readonly number[]): number[] {
  const most = top(row);
  const logSum = most + Math.log(total(row.map((value) => Math.exp(value - most))));
  return row.map((value) => value - logSum);
}

export const reduction = {
  sum: ({ input, shape, parameters: { axes } }) => reduced(input(0), axes, shape, total),
  mean: ({ input, shape, parameters: { axes } }) => reduced(input(0), axes, shape, average),
  largest: ({ input, shape, parameters: { axes } }) => reduced(input(0), axes, shape, top),
  /** The first of equals. */
  argmax: ({ input, parameters: { axis } }) =>
    reduced(input(0), [axis], input(0).shape.with(axis, 1), (row) => row.indexOf(top(row))),
  softmax: ({ input, parameters: { axis } }) => mapped(input(0), axis, softmaxOf),
  logSoftmax: ({ input, parameters: { axis } }) => mapped(input(0), axis, logSoftmaxOf),
  normalize: ({ input, shape, parameters: { epsilon } }) =>
    mapped(input(0), shape.length - 1, (row) => {
      const mean = average(row);
      const variance = average(row.map((value) => (value - mean) ** 2));
      return row.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
    }),
} satisfies {
  [
    O in "sum" | "mean" | "largest" | "argmax" | "softmax" | "logSoftmax" | "normalize"
  ]: EvaluateRule<O>;
};
