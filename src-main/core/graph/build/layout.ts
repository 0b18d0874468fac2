/** Moves elements: reshapes, orders of axes, parts, joins. */
import { type Dimension, minus } from "../dimension.ts";
import { make } from "../make.ts";
import type { Node } from "../node.ts";
import { axisFromFront, sameShape, type Shape } from "../shape.ts";

/** The value itself where it has the shape already. */
export function reshape(x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : make("reshape", [x], { shape });
}

/** The value itself where nothing moves. */
export function transpose(x: Node, permutation: readonly number[]): Node {
  return permutation.every((axis, index) => axis === index)
    ? x
    : make("transpose", [x], { permutation });
}

/** Elements `start` to `end` (exclusive; the axis's end where it is not given) along one axis. */
export function slice(x: Node, axis: number, start: Dimension, end?: Dimension): Node {
  const at = axisFromFront(axis, x.shape.length);
  const length = minus(end ?? x.shape[at] ?? 0, start);
  return sliceBy(x, at, start, length, 1);
}

/** `length` elements from `start` on, `step` apart. */
export function sliceBy(
  x: Node,
  axis: number,
  start: Dimension,
  length: Dimension,
  step: number,
): Node {
  const at = axisFromFront(axis, x.shape.length);
  if (start === 0 && step === 1 && sameShape([length], [x.shape[at] ?? 0])) return x;
  return make("slice", [x], { axis: at, start, length, step });
}

/** The elements along an axis from the last to the first. */
export function reverse(x: Node, axis: number): Node {
  const size = x.shape[axisFromFront(axis, x.shape.length)] ?? 0;
  return sliceBy(x, axis, minus(size, 1), size, -1);
}

/** Zeros before and after each axis. */
export function pad(x: Node, before: readonly number[], after: readonly number[]): Node {
  return [...before, ...after].every((count) => count === 0)
    ? x
    : make("pad", [x], { before, after });
}

export function concat(parts: readonly Node[], axis: number): Node {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  return make("concat", parts, { axis: axisFromFront(axis, only?.shape.length ?? 0) });
}

export function expand(x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : make("expand", [x], { shape });
}

/** Each pixel `scale` times along the last two axes. */
export function upsample(x: Node, scale: number): Node {
  return scale === 1 ? x : make("upsample", [x], { scale });
}

/** The first value, computed no earlier than the second. */
export function after(x: Node, other: Node): Node {
  return make("after", [x, other], {});
}
