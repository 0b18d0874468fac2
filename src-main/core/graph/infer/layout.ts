/** Shapes and types of operators that move elements and change none. */
import { type Dimension, dimensionText, plus, sameDimension, times } from "../dimension.ts";
import { broadcast, sameShape, shapeText, sizeOf } from "../shape.ts";
import {
  axesOf,
  type InferRule,
  isSize,
  needIntegers,
  needSizes,
  operands,
  refuse,
  sameDtype,
} from "./rule.ts";

/** As far as can be told before sizes are known. */
function liesWithin(start: Dimension, length: Dimension, step: number, size: Dimension): boolean {
  if (!isSize(start) || !isSize(length)) return false;
  if (typeof start !== "number" || typeof length !== "number" || length === 0) return true;
  const end = start + (length - 1) * step;
  return end >= 0 && (typeof size !== "number" || Math.max(start, end) < size);
}

export const layout = {
  reshape: (inputs, { shape }) => {
    const [x] = operands(inputs, 1);
    needSizes(shape);
    const [from, to] = [sizeOf(x.shape), sizeOf(shape)];
    if (!sameDimension(from, to))
      refuse(`${dimensionText(from)} elements do not fill ${shapeText(shape)}`);
    return { dtype: x.dtype, shape };
  },
  transpose: (inputs, { permutation }) => {
    const [x] = operands(inputs, 1);
    if (axesOf(permutation, x.shape).length !== x.shape.length)
      refuse(`${permutation.join(", ")} is no order of ${x.shape.length} axes`);
    return { dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis] ?? 0) };
  },
  slice: (inputs, { axis, start, length, step }) => {
    const [x] = operands(inputs, 1);
    const [front = 0] = axesOf([axis], x.shape);
    const size = x.shape[front] ?? 0;
    if (step === 0 || !Number.isInteger(step)) refuse(`the step is ${step}`);
    if (!liesWithin(start, length, step, size)) {
      const [from, count, whole] = [start, length, size].map(dimensionText);
      refuse(`${count} elements from ${from} by ${step} do not lie within ${whole}`);
    }
    return { dtype: x.dtype, shape: x.shape.with(front, length) };
  },
  pad: (inputs, { before, after }) => {
    const [x] = operands(inputs, 1);
    if (before.length !== x.shape.length || after.length !== x.shape.length)
      refuse(`pads ${before.length} and ${after.length} of ${x.shape.length} axes`);
    needIntegers("paddings are", [...before, ...after], 0);
    return {
      dtype: x.dtype,
      shape: x.shape.map((size, axis) => plus(size, (before[axis] ?? 0) + (after[axis] ?? 0))),
    };
  },
  concat: (inputs, { axis }) => {
    const dtype = sameDtype(inputs);
    const [first, ...others] = inputs;
    if (!first) return refuse("takes at least one operand");
    const [front = 0] = axesOf([axis], first.shape);
    let size = first.shape[front] ?? 0;
    for (const { shape } of others) {
      const own = shape[front] ?? 0;
      if (
        shape.length !== first.shape.length ||
        !sameShape(shape.with(front, 0), first.shape.with(front, 0))
      )
        refuse(
          `${shapeText(shape)} and ${shapeText(first.shape)} differ elsewhere than at axis ${front}`,
        );
      size = plus(size, own);
    }
    return { dtype, shape: first.shape.with(front, size) };
  },
  expand: (inputs, { shape }) => {
    const [x] = operands(inputs, 1);
    needSizes(shape);
    const fits = broadcast(x.shape, shape);
    if (!fits || !sameShape(fits, shape)) refuse(`does not broadcast to ${shapeText(shape)}`);
    return { dtype: x.dtype, shape };
  },
  upsample: (inputs, { scale }) => {
    const [x] = operands(inputs, 1);
    if (x.shape.length !== 4) refuse("needs [batch, channels, height, width]");
    needIntegers("the scale is", [scale], 1);
    return {
      dtype: x.dtype,
      shape: x.shape.map((size, axis) => (axis < 2 ? size : times(size, scale))),
    };
  },
  after: (inputs) => operands(inputs, 2)[0],
} satisfies {
  [
    O in "reshape" | "transpose" | "slice" | "pad" | "concat" | "expand" | "upsample" | "after"
  ]: InferRule<O>;
};
