/** Moves of elements: reshapes, orders of axes, parts, joins. */
import { type Dimension, minus, plus, sameDimension, times } from "../../graph/dimension.ts";
import type { Shape } from "../../graph/shape.ts";
import { type Emitter, integer, integers } from "../emitter.ts";
import { shapeValue, sizeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

/** What Slice takes for "up to the end", forwards and backwards. */
const lastEnd = Number.MAX_SAFE_INTEGER;

/**
 * A shape for Reshape: unknown sizes are taken from the same axis of the operand (0) or left to be counted (-1),
 * so that sizes are computed only where two are unknown.
 */
function reshapeTo(emitter: Emitter, from: Shape, to: Shape): { shape: string; zeros: boolean } {
  if (to.every((size) => typeof size === "number")) {
    return { shape: emitter.list(to), zeros: to.includes(0) };
  }
  if (to.includes(0)) return { shape: shapeValue(emitter, to), zeros: true };
  let counted = false;
  const short = to.map((size, axis) => {
    if (typeof size === "number") return size;
    const own = from[axis];
    if (own !== undefined && sameDimension(own, size)) return 0;
    if (counted) return undefined;
    counted = true;
    return -1;
  });
  const known = short.filter((size) => size !== undefined);
  return known.length === short.length
    ? { shape: emitter.list(known), zeros: false }
    : { shape: shapeValue(emitter, to), zeros: false };
}

/** Sizes that are there already stay by 1, since Expand broadcasts both ways. */
function expandTo(from: Shape, to: Shape): Shape {
  return to.map((size, axis) => {
    const own = from[axis - to.length + from.length];
    return own !== undefined && typeof size !== "number" && sameDimension(own, size) ? 1 : size;
  });
}

/** A place along an axis of `size`, from the front or, where that makes it a number, from the end. */
function place(emitter: Emitter, at: Dimension, size: Dimension): string {
  if (typeof at === "number") return emitter.list([at]);
  const fromEnd = minus(at, size);
  if (fromEnd === 0) return emitter.list([lastEnd]);
  return typeof fromEnd === "number" && fromEnd < 0
    ? emitter.list([fromEnd])
    : sizeValue(emitter, at);
}

export const layout = {
  reshape: (emitter, [x = ""], { inputs, shape }) => {
    const { shape: sizes, zeros } = reshapeTo(emitter, inputs[0]?.shape ?? [], shape);
    return emitter.node("Reshape", [x, sizes], zeros ? { allowzero: integer(1) } : {});
  },
  transpose: (emitter, operands, { parameters: { permutation } }) =>
    emitter.node("Transpose", operands, { perm: integers(permutation) }),
  slice: (emitter, [x = ""], { inputs, parameters: { axis, start, length, step } }) => {
    const size = inputs[0]?.shape[axis] ?? 0;
    const end = plus(start, times(length, step));
    // Walking back, the end before the first element is -1, which Slice would take as the last: one size further
    // back it is clamped to where it should be.
    const stop = step < 0 ? sizeValue(emitter, minus(end, size)) : place(emitter, end, size);
    return emitter.node("Slice", [
      x,
      place(emitter, start, size),
      stop,
      emitter.list([axis]),
      emitter.list([step]),
    ]);
  },
  pad: (emitter, [x = ""], { dtype, parameters: { before, after } }) =>
    emitter.node("Pad", [x, emitter.list([...before, ...after]), emitter.scalar(0, dtype)]),
  concat: (emitter, operands, { parameters: { axis } }) =>
    emitter.node("Concat", operands, { axis: integer(axis) }),
  expand: (emitter, [x = ""], { inputs, shape }) =>
    emitter.node("Expand", [x, shapeValue(emitter, expandTo(inputs[0]?.shape ?? [], shape))]),
  upsample: (emitter, [x = ""], { inputs, shape, parameters: { scale } }) => {
    const [n = 1, c = 1, h = 1, w = 1] = inputs[0]?.shape ?? [];
    const apart = [n, c, h, 1, w, 1];
    const repeated = [n, c, h, scale, w, scale];
    const split = emitter.node("Reshape", [x, shapeValue(emitter, apart)]);
    const full = emitter.node("Expand", [split, shapeValue(emitter, expandTo(apart, repeated))]);
    return emitter.node("Reshape", [full, shapeValue(emitter, shape)]);
  },
  /**
   * A Reshape of the first to its own shape, which moves nothing (its result is its operand's memory); that shape
   * is joined from the real one and no elements of the second operand, so that it is known only after it.
   */
  after: (emitter, [x = "", other = ""], { inputs, dtype, shape }) => {
    const flat = emitter.node("Reshape", [other, emitter.list([-1])]);
    const none = emitter.node("Slice", [flat, emitter.list([0]), emitter.list([0])]);
    const { shape: sizes, zeros } = reshapeTo(emitter, inputs[0]?.shape ?? [], shape);
    const late = emitter.node("Concat", [emitter.cast(none, "I64"), sizes], { axis: integer(0) });
    const name = emitter.node("Reshape", [x, late], zeros ? { allowzero: integer(1) } : {});
    emitter.between.push({ name, dtype, shape });
    return name;
  },
} satisfies {
  [
    O in "reshape" | "transpose" | "slice" | "pad" | "concat" | "expand" | "upsample" | "after"
  ]: LowerRule<O>;
};
