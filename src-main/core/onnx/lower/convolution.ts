/** Convolutions and their transposes. Both take a third operand that the graph has not: what is added to each channel. */
import { type Dimension, minus, plus, times } from "../../graph/dimension.ts";
import type { Node, NodeOf } from "../../graph/node.ts";
import type { Window } from "../../graph/operators.ts";
import type { Shape } from "../../graph/shape.ts";
import { elementCount } from "../../tensor/dtype.ts";
import { type Attributes, type Emitter, integer, integers } from "../emitter.ts";
import { reshaped, sizeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

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

/** The runtime's kernel for one spatial axis is three times as slow as that for two. */
function convTranspose(
  emitter: Emitter,
  operands: readonly string[],
  node: NodeOf<"convolveTransposed">,
  padding: readonly number[],
): string {
  const single = padding.length === 1;
  const window = single ? withHeight(node.parameters) : node.parameters;
  const attributes = {
    ...windowAttributes(window),
    output_padding: integers(single ? [0, ...padding] : padding),
  };
  return single
    ? asRows(emitter, "ConvTranspose", operands, node, attributes)
    : emitter.node("ConvTranspose", operands, attributes);
}

/** A window over one axis as one over two, the first of size 1. */
function withHeight({ strides, before, after, dilations, groups }: Window): Window {
  return {
    strides: [1, ...strides],
    before: [0, ...before],
    after: [0, ...after],
    dilations: [1, ...dilations],
    groups,
  };
}

/** Computes over [n, c, length] as over pictures of height 1. */
function asRows(
  emitter: Emitter,
  type: string,
  [x = "", w = "", ...rest]: readonly string[],
  node: Node,
  attributes: Attributes,
): string {
  const high = (value: string, shape: Shape = []) =>
    reshaped(emitter, value, shape, [...shape.slice(0, 2), 1, ...shape.slice(2)]);
  const [ofX, ofW] = node.inputs.map(({ shape }) => shape);
  const rows = emitter.node(type, [high(x, ofX), high(w, ofW), ...rest], attributes);
  const [n = 1, c = 1, ...length] = node.shape;
  return reshaped(emitter, rows, [n, c, 1, ...length], node.shape);
}

/** The CPU has a layout of its own, faster by up to a third, for kernels that are known over two axes. */
function hasOwnLayout(emitter: Emitter, node: NodeOf<"convolve">): boolean {
  const kernel = node.inputs[1]?.operator;
  return emitter.target.provider === "cpu" && (kernel === "weight" || kernel === "constant");
}

export const convolution = {
  convolve: (emitter, operands, node) =>
    node.parameters.strides.length === 1 && hasOwnLayout(emitter, node)
      ? asRows(emitter, "Conv", operands, node, windowAttributes(withHeight(node.parameters)))
      : emitter.node("Conv", operands, windowAttributes(node.parameters)),
  convolveTransposed: (emitter, operands, node) => {
    const [y = "", w = "", ...rest] = operands;
    const flipped = flippedPadding(node);
    if (!flipped) return transposed(emitter, operands, node);
    const kernel = flippedKernel(emitter, w, node);
    return emitter.node("Conv", [y, kernel, ...rest], windowAttributes(flipped));
  },
} satisfies { [O in "convolve" | "convolveTransposed"]: LowerRule<O> };
