/** Values of operators that move elements and change none. */
import type { EvaluateRule } from "./rule.ts";
import { at, fill } from "./tensor.ts";

export const layout = {
  reshape: ({ input }) => input(0).values,
  transpose: ({ input, shape, parameters: { permutation } }) =>
    fill(shape, (index) => {
      const from: number[] = [];
      permutation.forEach((axis, place) => (from[axis] = index[place] ?? 0));
      return at(input(0), from);
    }),
  slice: ({ input, shape, size, parameters: { axis, start, step } }) =>
    fill(shape, (index) => at(input(0), index.with(axis, size(start) + (index[axis] ?? 0) * step))),
  pad: ({ input, shape, parameters: { before } }) => {
    const x = input(0);
    return fill(shape, (index) => {
      const from = index.map((place, axis) => place - (before[axis] ?? 0));
      const inside = from.every((place, axis) => place >= 0 && place < (x.shape[axis] ?? 0));
      return inside ? at(x, from) : 0;
    });
  },
  concat: ({ inputs, shape, parameters: { axis } }) =>
    fill(shape, (index) => {
      let place = index[axis] ?? 0;
      for (const part of inputs) {
        const size = part.shape[axis] ?? 0;
        if (place < size) return at(part, index.with(axis, place));
        place -= size;
      }
      return Number.NaN;
    }),
  expand: ({ input, shape }) => fill(shape, (index) => at(input(0), index)),
  upsample: ({ input, shape, parameters: { scale } }) =>
    fill(shape, ([n = 0, c = 0, y = 0, x = 0]) =>
      at(input(0), [n, c, Math.floor(y / scale), Math.floor(x / scale)]),
    ),
  after: ({ input }) => input(0).values,
} satisfies {
  [
    O in "reshape" | "transpose" | "slice" | "pad" | "concat" | "expand" | "upsample" | "after"
  ]: EvaluateRule<O>;
};
