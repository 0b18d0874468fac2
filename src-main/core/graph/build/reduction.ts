/** Reductions, which keep their axes at size 1, and what is normalised by them. */
import { make } from "../make.ts";
import type { Node } from "../node.ts";
import { axisFromFront } from "../shape.ts";

const front = (x: Node, axes: readonly number[] | undefined): number[] =>
  (axes ?? x.shape.map((_, axis) => axis)).map((axis) => axisFromFront(axis, x.shape.length));

/** Over all axes where none are named. */
export const sum = (x: Node, axes?: readonly number[]): Node =>
  make("sum", [x], { axes: front(x, axes) });
export const mean = (x: Node, axes?: readonly number[]): Node =>
  make("mean", [x], { axes: front(x, axes) });
export const largest = (x: Node, axes?: readonly number[]): Node =>
  make("largest", [x], { axes: front(x, axes) });
export const argmax = (x: Node, axis: number): Node =>
  make("argmax", [x], { axis: axisFromFront(axis, x.shape.length) });
export const softmax = (x: Node, axis = -1): Node =>
  make("softmax", [x], { axis: axisFromFront(axis, x.shape.length) });
export const logSoftmax = (x: Node, axis = -1): Node =>
  make("logSoftmax", [x], { axis: axisFromFront(axis, x.shape.length) });
/** (x - mean) / sqrt(variance + epsilon) over the last axis. */
export const normalize = (x: Node, epsilon: number): Node => make("normalize", [x], { epsilon });
