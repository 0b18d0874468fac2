/** Moves of elements: reshapes, orders of axes, parts, joins. */
import { type Dimension, minus, plus, sameDimension, times } from "../../graph/dimension.ts";
import { isFloat } from "../../graph/infer/rule.ts";
import type { Signature } from "../../graph/node.ts";
import { type Shape, sizeOf } from "../../graph/shape.ts";
import { elementCount } from "../../tensor/dtype.ts";
import { type Emitter, integer, integers } from "../emitter.ts";
import { late, reshapeTo, reshaped, shapeValue, sizeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

/** What Slice takes for "up to the end", forwards and backwards. */
const lastEnd = Number.MAX_SAFE_INTEGER;

/** Sizes that are there already stay by 1, since Expand broadcasts both ways. */
function expandTo(from: Shape, to: Shape): Shape {
  return to.map((size, axis) => {
    const own = from[axis - to.length + from.length];
    return own !== undefined && typeof size !== "number" && sameDimension(own, size) ? 1 : size;
  });
}

/** Of repeated numbers: so many are joined from copies faster than a product makes them. */
const fewCopies = 4;

function sideBySide(emitter: Emitter, value: string, count: number, axis: number): string {
  const copies = Array.from({ length: count }, () => value);
  return emitter.node("Concat", copies, { axis: integer(axis) });
}

/**
 * How often each number is repeated where nothing but the last axes are, else undefined: that is a product with a row
 * of ones, a quarter of the time that Expand takes.
 */
function repeatedLast(from: Shape, to: Shape): number | undefined {
  if (from.length !== to.length) return undefined;
  const first = to.findIndex((size, axis) => !sameDimension(size, from[axis] ?? 1));
  if (first < 1) return undefined;
  const last = to.slice(first).filter((size) => typeof size === "number");
  const single = from.slice(first).every((size) => size === 1);
  return single && last.length === to.length - first ? elementCount(last) : undefined;
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

/**
 * WebGPU has no kernels for the I64 of shapes: there the second operand's first element, times 0, is added. What is no
 * floating-point number is small and need not wait.
 */
function addNothing(
  emitter: Emitter,
  [x = "", other = ""]: readonly string[],
  [first, second]: readonly Signature[],
): string {
  if (first === undefined || second === undefined || !isFloat(first.dtype)) return x;
  const flat = emitter.node("Reshape", [other, emitter.list([-1])]);
  const one = emitter.node("Slice", [flat, emitter.list([0]), emitter.list([1])]);
  const single = emitter.node("Reshape", [one, emitter.list([])]);
  const cast = first.dtype === second.dtype ? single : emitter.cast(single, first.dtype);
  const nothing = emitter.node("Mul", [cast, emitter.scalar(0, first.dtype)]);
  return emitter.node("Add", [x, nothing]);
}

export const layout = {
  reshape: (emitter, [x = ""], { inputs, shape }) =>
    reshaped(emitter, x, inputs[0]?.shape ?? [], shape),
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
  expand: (emitter, [x = ""], { inputs, dtype, shape }) => {
    const from = inputs[0]?.shape ?? [];
    const repeated = dtype === "F32" ? repeatedLast(from, shape) : undefined;
    if (repeated === undefined) {
      return emitter.node("Expand", [x, shapeValue(emitter, expandTo(from, shape))]);
    }
    const column = reshaped(emitter, x, from, [sizeOf(from), 1]);
    const rows =
      repeated <= fewCopies
        ? sideBySide(emitter, column, repeated, 1)
        : emitter.node("MatMul", [column, emitter.filled(1, [1, repeated], "F32")]);
    return reshaped(emitter, rows, [sizeOf(from), repeated], shape);
  },
  /** By joining copies side by side, a third of the time that the runtime's Resize takes. */
  upsample: (emitter, [x = ""], { inputs, shape, parameters: { scale } }) => {
    const from = inputs[0]?.shape ?? [];
    const [n = 1, c = 1, h = 1, w = 1] = from;
    const pixels = sideBySide(emitter, reshaped(emitter, x, from, [n, c, h, w, 1]), scale, 4);
    const row = [n, c, h, 1, times(w, scale)];
    const rows = sideBySide(emitter, reshaped(emitter, pixels, [n, c, h, w, scale], row), scale, 3);
    return reshaped(emitter, rows, [n, c, h, scale, times(w, scale)], shape);
  },
  /**
   * A Reshape of the first to its own shape, which moves nothing (its result is its operand's memory); that shape
   * is joined from the real one and no elements of the second operand, so that it is known only after it.
   */
  after: (emitter, [x = "", other = ""], { inputs, dtype, shape }) => {
    if (emitter.target.provider === "webgpu") return addNothing(emitter, [x, other], inputs);
    const { shape: sizes, zeros } = reshapeTo(emitter, inputs[0]?.shape ?? [], shape);
    const attributes = zeros ? { allowzero: integer(1) } : {};
    const name = emitter.node("Reshape", [x, late(emitter, sizes, other)], attributes);
    emitter.between.push({ name, dtype, shape });
    return name;
  },
} satisfies {
  [
    O in "reshape" | "transpose" | "slice" | "pad" | "concat" | "expand" | "upsample" | "after"
  ]: LowerRule<O>;
};
