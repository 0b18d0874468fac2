/** Products: matrices, convolutions, attention. */
import { type Dimension, minus, plus, times } from "../../graph/dimension.ts";
import type { NodeOf } from "../../graph/node.ts";
import type { Window } from "../../graph/operators.ts";
import { type Emitter, float, integer, integers, microsoft } from "../emitter.ts";
import { sizeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

interface ProductOptions {
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  readonly alpha?: number;
}

/** A product whose operands are taken as they lie: the provider's kernels read them transposed. */
function product(emitter: Emitter, operands: readonly string[], options: ProductOptions): string {
  const { transposeLeft = false, transposeRight = false, alpha = 1 } = options;
  if (!transposeLeft && !transposeRight && alpha === 1) return emitter.node("MatMul", operands);
  const attributes = {
    transA: integer(transposeLeft ? 1 : 0),
    transB: integer(transposeRight ? 1 : 0),
    alpha: float(alpha),
  };
  return emitter.node("FusedMatMul", operands, attributes, { domain: microsoft });
}

function windowAttributes({ strides, before, after, dilations, groups }: Window) {
  return {
    strides: integers(strides),
    pads: integers([...before, ...after]),
    dilations: integers(dilations),
    group: integer(groups),
  };
}

/** Sizes of a convolution's kernel along its spatial axes; inference has seen that they are numbers. */
function kernelOf(node: NodeOf<"convolveTransposed">): number[] {
  return (node.inputs[1]?.shape.slice(2) ?? []).map((size) =>
    typeof size === "number" ? size : 0,
  );
}

/** Padding under which a plain convolution with the flipped kernel gives the transposed one, at stride 1. */
function flippedPadding(node: NodeOf<"convolveTransposed">): Window | undefined {
  const { strides, dilations, before, after } = node.parameters;
  if (strides.some((stride) => stride !== 1)) return undefined;
  const reach = kernelOf(node).map((taps, axis) => (taps - 1) * (dilations[axis] ?? 1));
  const flipped = {
    ...node.parameters,
    before: reach.map((size, axis) => size - (before[axis] ?? 0)),
    after: reach.map((size, axis) => size - (after[axis] ?? 0)),
  };
  return [...flipped.before, ...flipped.after].some((count) => count < 0) ? undefined : flipped;
}

/** [out, c / groups, ...kernel] -> [c, out / groups, ...kernel], each kernel read from its end. */
function flippedKernel(emitter: Emitter, w: string, node: NodeOf<"convolveTransposed">): string {
  const { groups } = node.parameters;
  const shape = (node.inputs[1]?.shape ?? []).map((size) => (typeof size === "number" ? size : 0));
  const [out = 0, share = 0, ...kernel] = shape;
  const axes = kernel.flatMap((taps, axis) => (taps > 1 ? [axis + 2] : []));
  const each = (value: number) => emitter.list(axes.map(() => value));
  const flipped =
    axes.length === 0
      ? w
      : emitter.node("Slice", [
          w,
          each(-1),
          each(Number.MIN_SAFE_INTEGER),
          emitter.list(axes),
          each(-1),
        ]);
  const rest = kernel.map((_, axis) => axis);
  if (groups === 1) {
    const perm = integers([1, 0, ...rest.map((axis) => axis + 2)]);
    return emitter.node("Transpose", [flipped], { perm });
  }
  const split = emitter.list([groups, out / groups, share, ...kernel]);
  const grouped = emitter.node("Reshape", [flipped, split]);
  const perm = integers([0, 2, 1, ...rest.map((axis) => axis + 3)]);
  const turned = emitter.node("Transpose", [grouped], { perm });
  return emitter.node("Reshape", [turned, emitter.list([groups * share, out / groups, ...kernel])]);
}

/** By ConvTranspose, which is told what its stride left undecided, or cut where that is not known yet. */
function transposed(
  emitter: Emitter,
  operands: readonly string[],
  node: NodeOf<"convolveTransposed">,
) {
  const { strides, before, after, dilations, spatial } = node.parameters;
  const small = node.inputs[0]?.shape.slice(2) ?? [];
  const least = kernelOf(node).map((taps, axis): Dimension => {
    const reach = (taps - 1) * (dilations[axis] ?? 1) + 1;
    const glided = times(minus(small[axis] ?? 0, 1), strides[axis] ?? 1);
    return plus(glided, reach - (before[axis] ?? 0) - (after[axis] ?? 0));
  });
  const undecided = spatial.map((size, axis) => minus(size, least[axis] ?? 0));
  const cut = undecided.flatMap((size, axis) => (typeof size === "number" ? [] : [axis]));
  const padding = undecided.map((size, axis) =>
    typeof size === "number" ? size : (strides[axis] ?? 1) - 1,
  );
  const full = emitter.node("ConvTranspose", operands, {
    ...windowAttributes(node.parameters),
    output_padding: integers(padding),
  });
  return cut.reduce(
    (value, axis) =>
      emitter.node("Slice", [
        value,
        emitter.list([0]),
        sizeValue(emitter, spatial[axis] ?? 0),
        emitter.list([axis + 2]),
      ]),
    full,
  );
}

export const contraction = {
  matmul: (emitter, operands, { parameters }) => product(emitter, operands, parameters),
  convolve: (emitter, operands, { parameters }) =>
    emitter.node("Conv", operands, windowAttributes(parameters)),
  convolveTransposed: (emitter, operands, node) => {
    const [y = "", w = ""] = operands;
    const flipped = flippedPadding(node);
    if (!flipped) return transposed(emitter, operands, node);
    return emitter.node("Conv", [y, flippedKernel(emitter, w, node)], windowAttributes(flipped));
  },
  attention: (emitter, [q = "", k = "", v = "", mask], { parameters: { scale } }) => {
    const scores = product(emitter, [q, k], { transposeRight: true, alpha: scale });
    const masked = mask === undefined ? scores : emitter.node("Add", [scores, mask]);
    return emitter.node("MatMul", [emitter.node("Softmax", [masked], { axis: integer(-1) }), v]);
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: LowerRule<O>;
};
