/** Values of products: matrices, convolutions, attention. */
import type { Window } from "../../../src-main/core/graph/operators.ts";
import type { EvaluateRule } from "./rule.ts";
import { at, fill, indices, offsetOf, type Tensor64, tensor64, total } from "./tensor.ts";

function product(
  left: Tensor64,
  right: Tensor64,
  shape: readonly number[],
  transposeLeft = false,
  transposeRight = false,
): Tensor64 {
  const inner = left.shape.at(transposeLeft ? -2 : -1) ?? 0;
  const values = fill(shape, (index) => {
    const batch = index.slice(0, -2);
    const [m = 0, n = 0] = index.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum +=
        at(left, [...batch, ...(transposeLeft ? [k, m] : [m, k])]) *
        at(right, [...batch, ...(transposeRight ? [n, k] : [k, n])]);
    }
    return sum;
  });
  return { shape, values };
}

/** Places in x, w and y of every product that a convolution y of x with w sums. */
function* taps(
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
  { strides, before, dilations, groups }: Window,
): Generator<{ x: number; w: number; y: number }> {
  const [out = 0, share = 0, ...kernel] = w;
  for (const [n = 0, o = 0, ...place] of indices(y)) {
    const group = Math.floor(o / (out / groups));
    for (const [s = 0, ...tap] of indices([share, ...kernel])) {
      const from = place.map(
        (p, axis) =>
          p * (strides[axis] ?? 1) -
          (before[axis] ?? 0) +
          (tap[axis] ?? 0) * (dilations[axis] ?? 1),
      );
      if (from.some((p, axis) => p < 0 || p >= (x[axis + 2] ?? 0))) continue;
      yield {
        x: offsetOf(x, [n, group * share + s, ...from]),
        w: offsetOf(w, [o, s, ...tap]),
        y: offsetOf(y, [n, o, ...place]),
      };
    }
  }
}

function softmaxOfRows({ shape, values }: Tensor64): Tensor64 {
  const width = shape.at(-1) ?? 1;
  const result = new Float64Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    const top = Math.max(...row);
    const exps = row.map((x) => Math.exp(x - top));
    const sum = total(exps);
    result.set(
      exps.map((x) => x / sum),
      start,
    );
  }
  return { shape, values: result };
}

export const contraction = {
  matmul: ({ input, shape, parameters: { transposeLeft, transposeRight } }) =>
    product(input(0), input(1), shape, transposeLeft, transposeRight).values,

  convolve: ({ input, shape, parameters }) => {
    const [x, w] = [input(0), input(1)];
    const y = fill(shape, () => 0);
    for (const place of taps(x.shape, w.shape, shape, parameters)) {
      y[place.y] = (y[place.y] ?? 0) + (x.values[place.x] ?? 0) * (w.values[place.w] ?? 0);
    }
    return y;
  },

  convolveTransposed: ({ input, shape, parameters }) => {
    const [y, w] = [input(0), input(1)];
    const x = fill(shape, () => 0);
    for (const place of taps(shape, w.shape, y.shape, parameters)) {
      x[place.x] = (x[place.x] ?? 0) + (y.values[place.y] ?? 0) * (w.values[place.w] ?? 0);
    }
    return x;
  },

  attention: ({ input, inputs, shape, parameters: { scale } }) => {
    const [q, k, v, mask] = [input(0), input(1), input(2), inputs[3]];
    const batch = shape.slice(0, -2);
    const scored = [...batch, q.shape.at(-2) ?? 0, k.shape.at(-2) ?? 0];
    const products = product(q, k, scored, false, true);
    const scores = fill(
      scored,
      (index) => scale * at(products, index) + (mask ? at(mask, index) : 0),
    );
    return product(softmaxOfRows(tensor64(scored, scores)), v, shape).values;
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: EvaluateRule<O>;
};
