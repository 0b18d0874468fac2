/** Shapes and types of products: matrices, convolutions, attention. */
import { type Dimension, floorDivide, minus, plus, quotient, sameDimension } from "../dimension.ts";
import type { Signature } from "../node.ts";
import type { Window } from "../operators.ts";
import { broadcast, sameShape, shapeText } from "../shape.ts";
import { type InferRule, needFloat, needIntegers, operands, refuse, sameDtype } from "./rule.ts";

function last(shape: readonly Dimension[], back: number): Dimension {
  return shape.at(-back) ?? refuse("operands need two axes or more");
}

function product(
  [left, right]: readonly [Signature, Signature],
  transposeLeft: boolean,
  transposeRight: boolean,
): Signature {
  needFloat(left);
  const dtype = sameDtype([left, right]);
  const [m, k] = [last(left.shape, transposeLeft ? 1 : 2), last(left.shape, transposeLeft ? 2 : 1)];
  const [inner, n] = [
    last(right.shape, transposeRight ? 1 : 2),
    last(right.shape, transposeRight ? 2 : 1),
  ];
  if (!sameDimension(k, inner)) {
    refuse(`the inner sizes ${shapeText([k])} and ${shapeText([inner])} differ`);
  }
  const batch = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2));
  if (!batch) return refuse("the leading axes do not broadcast");
  return { dtype, shape: [...batch, m, n] };
}

/** Sizes behind a window that glides over `spatial`. */
function gliding(spatial: readonly Dimension[], kernel: readonly Dimension[], window: Window) {
  return spatial.map((size, axis): Dimension => {
    const taps = kernel[axis];
    if (typeof taps !== "number") return refuse("a kernel's sizes are numbers");
    const dilation = window.dilations[axis] ?? refuse("a dilation is missing");
    const stride = window.strides[axis] ?? refuse("a stride is missing");
    const padding = (window.before[axis] ?? 0) + (window.after[axis] ?? 0);
    const reach = dilation * (taps - 1) + 1;
    const room = minus(plus(size, padding), reach);
    if (typeof room === "number" && room < 0)
      refuse(
        `a kernel that reaches over ${reach} does not fit into ${shapeText([size])} padded by ${padding}`,
      );
    return plus(floorDivide(room, stride), 1);
  });
}

function checkWindow(x: Signature, w: Signature, window: Window) {
  const { strides, before, after, dilations, groups } = window;
  const axes = w.shape.length - 2;
  if (axes < 1 || axes > 2) refuse("kernels have one or two spatial axes");
  if (x.shape.length !== w.shape.length) refuse("the operands have different numbers of axes");
  for (const each of [strides, before, after, dilations]) {
    if (each.length !== axes) refuse(`the window has ${each.length} axes and the kernel ${axes}`);
  }
  needIntegers("strides, dilations and groups are", [...strides, ...dilations, groups], 1);
  needIntegers("paddings are", [...before, ...after], 0);
}

export const contraction = {
  matmul: (inputs, { transposeLeft, transposeRight }) =>
    product(operands(inputs, 2), transposeLeft, transposeRight),

  convolve: (inputs, window) => {
    const [x, w] = operands(inputs, 2);
    needFloat(x);
    const dtype = sameDtype(inputs);
    checkWindow(x, w, window);
    const [n = 0, c = 0, ...spatial] = x.shape;
    const [out = 0, share = 0, ...kernel] = w.shape;
    if (!sameDimension(quotient(c, window.groups) ?? -1, share))
      refuse(`the kernel takes ${shapeText([share])} channels in each of ${window.groups} groups`);
    if (quotient(out, window.groups) === undefined)
      refuse(`${shapeText([out])} channels are no multiple of ${window.groups} groups`);
    return { dtype, shape: [n, out, ...gliding(spatial, kernel, window)] };
  },

  convolveTransposed: (inputs, window) => {
    const [y, w] = operands(inputs, 2);
    needFloat(y);
    const dtype = sameDtype(inputs);
    checkWindow(y, w, window);
    const [n = 0, out = 0, ...small] = y.shape;
    const [channels = 0, share = 0, ...kernel] = w.shape;
    if (!sameDimension(out, channels)) refuse(`the kernel gives ${shapeText([channels])} channels`);
    const glided = gliding(window.spatial, kernel, window);
    if (!sameShape(glided, small))
      refuse(`${shapeText(window.spatial)} would glide to ${shapeText(glided)}`);
    const c = typeof share === "number" ? share * window.groups : refuse("channels are numbers");
    return { dtype, shape: [n, c, ...window.spatial] };
  },

  attention: (inputs) => {
    const [q, k, v, mask] = inputs;
    if (!q || !k || !v || inputs.length > 4) return refuse("takes q, k, v and perhaps a mask");
    const scores = product([q, k], false, true);
    if (mask) {
      sameDtype([q, mask]);
      const masked = broadcast(scores.shape, mask.shape);
      if (!masked || !sameShape(masked, scores.shape))
        refuse(`the mask does not broadcast to the scores ${shapeText(scores.shape)}`);
    }
    return product([scores, v], false, false);
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: InferRule<O>;
};
