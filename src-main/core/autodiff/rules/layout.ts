/** Gradients of operators that move elements: they are moved back. */
import { type Dimension, minus, plus, times } from "../../graph/dimension.ts";
import {
  concat,
  constant,
  pad,
  reshape,
  reverse,
  slice,
  sum,
  transpose,
} from "../../graph/build/index.ts";
import type { Node } from "../../graph/node.ts";
import type { Differentiation } from "../rule.ts";

const zeros = (x: Node, axis: number, size: Dimension) =>
  constant(0, x.shape.with(axis, size), x.dtype);

/** `step - 1` zeros between the elements along an axis. */
function spread(x: Node, axis: number, step: number): Node {
  if (step === 1) return x;
  const size = x.shape[axis] ?? 1;
  const apart = reshape(x, x.shape.toSpliced(axis + 1, 0, 1));
  const none = apart.shape.map(() => 0);
  const padded = pad(apart, none, none.with(axis + 1, step - 1));
  const joined = reshape(padded, x.shape.with(axis, times(size, step)));
  return slice(joined, axis, 0, plus(times(minus(size, 1), step), 1));
}

/** x along an axis of `size`, from `first` on, among zeros. */
function placed(x: Node, axis: number, first: Dimension, size: Dimension): Node {
  const behind = minus(size, plus(first, x.shape[axis] ?? 0));
  if (typeof first === "number" && typeof behind === "number") {
    const none = x.shape.map(() => 0);
    return pad(x, none.with(axis, first), none.with(axis, behind));
  }
  const parts = [zeros(x, axis, first), x, zeros(x, axis, behind)];
  return concat(
    parts.filter(({ shape }) => shape[axis] !== 0),
    axis,
  );
}

export const layout = {
  reshape: ({ input, gradient }) => [() => reshape(gradient, input(0).shape)],
  transpose: ({ gradient, parameters: { permutation } }) => [
    () =>
      transpose(
        gradient,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
  ],
  slice: ({ input, gradient, parameters: { axis, start, length, step } }) => [
    () => {
      const size = input(0).shape[axis] ?? 0;
      if (length === 0) return zeros(gradient, axis, size);
      const forward = step < 0 ? reverse(gradient, axis) : gradient;
      const first = step < 0 ? plus(start, times(minus(length, 1), step)) : start;
      return placed(spread(forward, axis, Math.abs(step)), axis, first, size);
    },
  ],
  pad: ({ input, gradient, parameters: { before } }) => [
    () =>
      before.reduce(
        (inner, count, axis) => slice(inner, axis, count, plus(count, input(0).shape[axis] ?? 0)),
        gradient,
      ),
  ],
  concat: ({ inputs, gradient, parameters: { axis } }) => {
    let end: Dimension = 0;
    return inputs.map(({ shape }) => {
      const start = end;
      const stop = plus(start, shape[axis] ?? 0);
      end = stop;
      return () => slice(gradient, axis, start, stop);
    });
  },
  /** The sum over what was repeated is `unbroadcast`. */
  expand: ({ gradient }) => [() => gradient],
  upsample: ({ input, gradient, parameters: { scale } }) => [
    () => {
      const [n = 0, c = 0, height = 0, width = 0] = input(0).shape;
      const blocks = reshape(gradient, [n, c, height, scale, width, scale]);
      // One axis at a time: the CPU provider is slow at sums over axes that do not lie side by side.
      return reshape(sum(sum(blocks, [5]), [3]), input(0).shape);
    },
  ],
  after: ({ gradient }) => [() => gradient, null],
} satisfies {
  [
    O in "reshape" | "transpose" | "slice" | "pad" | "concat" | "expand" | "upsample" | "after"
  ]: Differentiation<O>;
};
