/** Products: matrices, convolutions, attention. */
import { type Dimension, minus, plus, times } from "../../graph/dimension.ts";
import type { NodeOf, Signature } from "../../graph/node.ts";
import type { Window } from "../../graph/operators.ts";
import { type Emitter, float, integer, integers, microsoft } from "../emitter.ts";
import type { Shape } from "../../graph/shape.ts";
import { elementCount } from "../../tensor/dtype.ts";
import { reshaped, sizeValue } from "../sizes.ts";
import type { ProviderName } from "../target.ts";
import type { LowerRule } from "./rule.ts";

interface ProductOptions {
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  readonly alpha?: number;
  readonly of: readonly Signature[];
}

/** Providers that read operands of a product as they lie; the others are given them transposed. */
const readTransposed: ReadonlySet<ProviderName> = new Set(["cpu", "cuda", "dml"]);

/** A product whose operands are taken as they lie where the provider's kernels read them transposed. */
function product(emitter: Emitter, operands: readonly string[], options: ProductOptions): string {
  const { transposeLeft = false, transposeRight = false, alpha = 1, of } = options;
  if (!transposeLeft && !transposeRight && alpha === 1) return emitter.node("MatMul", operands);
  if (!readTransposed.has(emitter.target.provider)) {
    const turned = operands.map((operand, index) =>
      (index === 0 ? transposeLeft : transposeRight)
        ? turnedMatrix(emitter, operand, of[index]?.shape.length ?? 2)
        : operand,
    );
    const plain = emitter.node("MatMul", turned);
    return alpha === 1
      ? plain
      : emitter.node("Mul", [plain, emitter.scalar(alpha, of[0]?.dtype ?? "F32")]);
  }
  const attributes = {
    transA: integer(transposeLeft ? 1 : 0),
    transB: integer(transposeRight ? 1 : 0),
    alpha: float(alpha),
  };
  return emitter.node("FusedMatMul", operands, attributes, { domain: microsoft });
}

function turnedMatrix(emitter: Emitter, x: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const perm = integers([...axes.slice(0, -2), rank - 1, rank - 2]);
  return emitter.node("Transpose", [x], { perm });
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

/**
 * [out, c / groups, ...kernel] -> [c, out / groups, ...kernel], each kernel read from its end. Transposed first, so
 * that what is reversed are rows: reversing the small last axes costs three times as much.
 */
function flippedKernel(emitter: Emitter, w: string, node: NodeOf<"convolveTransposed">): string {
  const { groups } = node.parameters;
  const shape = (node.inputs[1]?.shape ?? []).map((size) => (typeof size === "number" ? size : 0));
  const [out = 0, share = 0, ...kernel] = shape;
  const own = out / groups;
  const taps = elementCount(kernel);
  const reshape = (value: string, to: readonly number[]) =>
    emitter.node("Reshape", [value, emitter.list(to)]);
  const transpose = (value: string, ...permutation: number[]) =>
    emitter.node("Transpose", [value], { perm: integers(permutation) });
  const rows = reshape(transpose(reshape(w, [groups, own, share * taps]), 0, 2, 1), [
    groups * share,
    taps,
    own,
  ]);
  const backwards = [-1, Number.MIN_SAFE_INTEGER, 1, -1].map((value) => emitter.list([value]));
  const flipped = taps === 1 ? rows : emitter.node("Slice", [rows, ...backwards]);
  return reshape(transpose(flipped, 0, 2, 1), [groups * share, own, ...kernel]);
}

/** By ConvTranspose, which is told what its stride left undecided, or cut where that is not known yet. */
function transposed(
  emitter: Emitter,
  operands: readonly string[],
  node: NodeOf<"convolveTransposed">,
): string {
  const { strides, before, after, dilations, spatial } = node.parameters;
  const small = node.inputs[0]?.shape.slice(2) ?? [];
  const least = kernelOf(node).map((taps, axis): Dimension => {
    const reach = (taps - 1) * (dilations[axis] ?? 1) + 1;
    const glided = times(minus(small[axis] ?? 0, 1), strides[axis] ?? 1);
    return plus(glided, reach - (before[axis] ?? 0) - (after[axis] ?? 0));
  });
  const undecided = spatial.map((size, axis) => minus(size, least[axis] ?? 0));
  const padding = undecided.map((size, axis) =>
    typeof size === "number" ? size : (strides[axis] ?? 1) - 1,
  );
  const full = convTranspose(emitter, operands, node, padding);
  const cut = undecided.flatMap((size, axis) => (typeof size === "number" ? [] : [axis]));
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

/** One spatial axis is computed as the second of two: the runtime's kernel for one is three times as slow. */
function convTranspose(
  emitter: Emitter,
  [y = "", w = ""]: readonly string[],
  node: NodeOf<"convolveTransposed">,
  padding: readonly number[],
): string {
  const { strides, before, after, dilations, groups } = node.parameters;
  const [flatY, flatW] = node.inputs.map(({ shape }) => shape);
  const single = padding.length === 1;
  const lead = (value: number) => (single ? [value] : []);
  const attributes = {
    ...windowAttributes({
      strides: [...lead(1), ...strides],
      before: [...lead(0), ...before],
      after: [...lead(0), ...after],
      dilations: [...lead(1), ...dilations],
      groups,
    }),
    output_padding: integers([...lead(0), ...padding]),
  };
  if (!single || !flatY || !flatW) return emitter.node("ConvTranspose", [y, w], attributes);
  const high = (value: string, shape: Shape) =>
    reshaped(emitter, value, shape, [...shape.slice(0, 2), 1, ...shape.slice(2)]);
  const wide = emitter.node("ConvTranspose", [high(y, flatY), high(w, flatW)], attributes);
  return emitter.node("Squeeze", [wide, emitter.list([2])]);
}

export const contraction = {
  matmul: (emitter, operands, { inputs, parameters }) =>
    product(emitter, operands, { ...parameters, of: inputs }),
  convolve: (emitter, operands, { parameters }) =>
    emitter.node("Conv", operands, windowAttributes(parameters)),
  convolveTransposed: (emitter, operands, node) => {
    const [y = "", w = ""] = operands;
    const flipped = flippedPadding(node);
    if (!flipped) return transposed(emitter, operands, node);
    return emitter.node("Conv", [y, flippedKernel(emitter, w, node)], windowAttributes(flipped));
  },
  attention: (emitter, [q = "", k = "", v = "", mask], { inputs, parameters: { scale } }) => {
    const scores = product(emitter, [q, k], { transposeRight: true, alpha: scale, of: inputs });
    const masked = mask === undefined ? scores : emitter.node("Add", [scores, mask]);
    return emitter.node("MatMul", [emitter.node("Softmax", [masked], { axis: integer(-1) }), v]);
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: LowerRule<O>;
};
