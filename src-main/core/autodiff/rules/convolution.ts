/** Gradients of convolutions, which are convolutions again in x and shifted products in w. */
import { type Dimension, quotient } from "../../graph/dimension.ts";
import {
  concat,
  convolveBy,
  convolveTransposed,
  matmul,
  pad,
  reshape,
  sliceBy,
  sum,
} from "../../graph/build/index.ts";
import { assert } from "../../errors.ts";
import type { Node } from "../../graph/node.ts";
import type { Window } from "../../graph/operators.ts";
import { type Shape, shapeText, sizeOf } from "../../graph/shape.ts";
import type { Differentiation } from "../rule.ts";

export const convolution = {
  convolve: ({ input, gradient, parameters }) => [
    () => convolveTransposed(gradient, input(1), input(0).shape.slice(2), parameters),
    () => ofKernel(input(0), gradient, input(1).shape, parameters),
  ],
  convolveTransposed: ({ input, gradient, parameters }) => [
    () => convolveBy(gradient, input(1), windowOnly(parameters)),
    () => ofKernel(gradient, input(0), input(1).shape, parameters),
  ],
} satisfies { [O in "convolve" | "convolveTransposed"]: Differentiation<O> };

function windowOnly({ strides, before, after, dilations, groups }: Window): Window {
  return { strides, before, after, dilations, groups };
}

/**
 * dw[o, c, k] = sum over n and place p of dy[n, o, p] x[n, c, stride p + dilation k]: for each tap k one batched
 * product of dy with the x that the tap sees. ONNX Runtime's CPU provider does these six times faster than one
 * convolution over transposed operands, and needs no copy of x for each tap at once.
 */
function ofKernel(x: Node, dy: Node, shape: Shape, window: Window): Node {
  const { before, after, strides, dilations, groups } = window;
  const padded = pad(x, [0, 0, ...before], [0, 0, ...after]);
  const places = dy.shape.slice(2);
  const [, , ...kernel] = shape;
  const gradient = grouped(dy, groups);
  const taps = positions(kernel).map((tap) => {
    const seen = tap.reduce(
      (part, at, axis) =>
        sliceBy(part, axis + 2, at * (dilations[axis] ?? 1), places[axis] ?? 1, strides[axis] ?? 1),
      padded,
    );
    // [n, groups, out / groups, c / groups]
    const products = matmul(gradient, grouped(seen, groups), { transposeRight: true });
    return reshape(sum(products, [0]), [...shape.slice(0, 2), 1]);
  });
  return reshape(concat(taps, 2), shape);
}

/** [n, c, ...spatial] as [n, groups, c / groups, places], without the second axis for one group. */
function grouped(x: Node, groups: number): Node {
  const [n = 1, c = 1, ...spatial] = x.shape;
  const share = quotient(c, groups);
  assert(share !== undefined, `${groups} groups of ${shapeText([c])} channels`);
  const split: Dimension[] = groups === 1 ? [c] : [groups, share];
  return reshape(x, [n, ...split, sizeOf(spatial)]);
}

/** All positions in a kernel, the last axis fastest. */
function positions([first, ...rest]: Shape): number[][] {
  if (first === undefined) return [[]];
  assert(typeof first === "number", "a kernel's sizes are numbers");
  const others = positions(rest);
  return Array.from({ length: first }, (_, at) => others.map((other) => [at, ...other])).flat();
}
