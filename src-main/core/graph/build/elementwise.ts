/** Arithmetic on values; numbers stand for scalars of the other operand's type. */
import { make } from "../make.ts";
import type { Node } from "../node.ts";
import type { GraphDType } from "../operators.ts";
import { scalar } from "./leaves.ts";

export type Operand = Node | number;

/** Both as nodes; a number takes the other's type. */
function pair(left: Operand, right: Operand): [Node, Node] {
  if (typeof left !== "number") {
    return [left, typeof right === "number" ? scalar(right, left.dtype) : right];
  }
  return [scalar(left, typeof right === "number" ? "F32" : right.dtype), toNode(right)];
}

function toNode(operand: Operand): Node {
  return typeof operand === "number" ? scalar(operand) : operand;
}

export const add = (left: Operand, right: Operand): Node => make("add", pair(left, right), {});
export const subtract = (left: Operand, right: Operand): Node =>
  make("subtract", pair(left, right), {});
export const multiply = (left: Operand, right: Operand): Node =>
  make("multiply", pair(left, right), {});
export const divide = (left: Operand, right: Operand): Node =>
  make("divide", pair(left, right), {});
export const power = (left: Operand, right: Operand): Node => make("power", pair(left, right), {});
export const minimum = (left: Operand, right: Operand): Node =>
  make("minimum", pair(left, right), {});
export const maximum = (left: Operand, right: Operand): Node =>
  make("maximum", pair(left, right), {});
export const equal = (left: Operand, right: Operand): Node => make("equal", pair(left, right), {});
export const less = (left: Operand, right: Operand): Node => make("less", pair(left, right), {});
export const and = (left: Node, right: Node): Node => make("and", [left, right], {});
export const not = (x: Node): Node => make("not", [x], {});
export const where = (condition: Node, yes: Operand, no: Operand): Node =>
  make("where", [condition, ...pair(yes, no)], {});

export const negate = (x: Node): Node => make("negate", [x], {});
export const exp = (x: Node): Node => make("exp", [x], {});
export const log = (x: Node): Node => make("log", [x], {});
export const sqrt = (x: Node): Node => make("sqrt", [x], {});
export const sin = (x: Node): Node => make("sin", [x], {});
export const cos = (x: Node): Node => make("cos", [x], {});
export const acos = (x: Node): Node => make("acos", [x], {});
export const tanh = (x: Node): Node => make("tanh", [x], {});
export const sigmoid = (x: Node): Node => make("sigmoid", [x], {});
export const erf = (x: Node): Node => make("erf", [x], {});
export const absolute = (x: Node): Node => make("absolute", [x], {});
export const relu = (x: Node): Node => make("relu", [x], {});
/** x Phi(x), exact. */
export const gelu = (x: Node): Node => make("gelu", [x], {});
export const silu = (x: Node): Node => make("swish", [x], { alpha: 1 });
/** CLIP-L's. */
export const quickGelu = (x: Node): Node => make("swish", [x], { alpha: 1.702 });
export const square = (x: Node): Node => multiply(x, x);

/** The value itself where it has the type already. */
export function cast(x: Node, to: GraphDType): Node {
  return x.dtype === to ? x : make("cast", [x], { to });
}
