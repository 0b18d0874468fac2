/** Gradients of operators that work element by element; g is the gradient that arrives, y the operator's result. */
import {
  add,
  cast,
  cos,
  divide,
  equal,
  erf,
  exp,
  less,
  log,
  multiply,
  negate,
  power,
  sigmoid,
  sin,
  sqrt,
  square,
  subtract,
  where,
} from "../../graph/build/index.ts";
import { isFloat } from "../../graph/infer/rule.ts";
import type { Node } from "../../graph/node.ts";
import type { Differentiation } from "../rule.ts";

const step = { because: "its result is the same all around a point" };

/** The whole gradient to the operand that was taken, half to each where both are equal (as torch). */
function ofTaken(g: Node, taken: Node, other: Node, first: (a: Node, b: Node) => Node): Node {
  return where(first(taken, other), g, where(equal(taken, other), multiply(0.5, g), 0));
}

const greater = (a: Node, b: Node) => less(b, a);

/** b a^(b - 1), which is 0 for b = 0 even where a is. */
function powerSlope(a: Node, b: Node): Node {
  if (b.operator === "constant" && typeof b.parameters.values === "number") {
    const exponent = b.parameters.values;
    if (exponent === 2) return multiply(2, a);
    if (exponent !== 0) return multiply(exponent, power(a, exponent - 1));
  }
  return where(equal(b, 0), 0, multiply(b, power(a, subtract(b, 1))));
}

export const elementwise = {
  negate: ({ gradient: g }) => [() => negate(g)],
  exp: ({ output: y, gradient: g }) => [() => multiply(g, y)],
  log: ({ input, gradient: g }) => [() => divide(g, input(0))],
  sqrt: ({ output: y, gradient: g }) => [() => divide(multiply(0.5, g), y)],
  sin: ({ input, gradient: g }) => [() => multiply(g, cos(input(0)))],
  cos: ({ input, gradient: g }) => [() => negate(multiply(g, sin(input(0))))],
  acos: ({ input, gradient: g }) => [() => negate(divide(g, sqrt(subtract(1, square(input(0))))))],
  tanh: ({ output: y, gradient: g }) => [() => multiply(g, subtract(1, square(y)))],
  sigmoid: ({ output: y, gradient: g }) => [() => multiply(g, multiply(y, subtract(1, y)))],
  erf: ({ input, gradient: g }) => [
    () => multiply(g, multiply(2 / Math.sqrt(Math.PI), exp(negate(square(input(0)))))),
  ],
  /** 0 at 0, as torch. */
  absolute: ({ input, gradient: g }) => [
    () => where(less(0, input(0)), g, where(less(input(0), 0), negate(g), 0)),
  ],
  /** 0 at 0, as torch; told from the result, so that the operand need not be kept. */
  relu: ({ output: y, gradient: g }) => [() => where(less(0, y), g, 0)],
  /** Phi(x) + x phi(x) = (1 + erf(u) + 2 / sqrt(pi) u / exp(u^2)) / 2 for u = x / sqrt(2), in as few passes. */
  gelu: ({ input, gradient: g }) => [
    () => {
      const u = multiply(input(0), Math.SQRT1_2);
      const bell = multiply(2 / Math.sqrt(Math.PI), divide(u, exp(square(u))));
      return multiply(multiply(g, 0.5), add(1, add(erf(u), bell)));
    },
  ],
  /** s (1 + alpha (x - y)) for s = sigmoid(alpha x) and y = x s */
  swish: ({ input, output: y, gradient: g, parameters: { alpha } }) => [
    () => {
      const scaled = (x: Node) => (alpha === 1 ? x : multiply(alpha, x));
      const s = sigmoid(scaled(input(0)));
      return multiply(g, multiply(s, add(1, scaled(subtract(input(0), y)))));
    },
  ],
  not: step,
  cast: ({ input, output, gradient: g }) => [
    isFloat(input(0).dtype) && isFloat(output.dtype) ? () => cast(g, input(0).dtype) : null,
  ],
  add: ({ gradient: g }) => [() => g, () => g],
  subtract: ({ gradient: g }) => [() => g, () => negate(g)],
  multiply: ({ input, gradient: g }) => [() => multiply(g, input(1)), () => multiply(g, input(0))],
  divide: ({ input, output: y, gradient: g }) => [
    () => divide(g, input(1)),
    () => negate(divide(multiply(g, y), input(1))),
  ],
  /** y log(a) in the exponent, 0 where a is. */
  power: ({ input, output: y, gradient: g }) => [
    () => multiply(g, powerSlope(input(0), input(1))),
    () => multiply(g, where(equal(input(0), 0), 0, multiply(y, log(input(0))))),
  ],
  minimum: ({ input, gradient: g }) => [
    () => ofTaken(g, input(0), input(1), less),
    () => ofTaken(g, input(1), input(0), less),
  ],
  maximum: ({ input, gradient: g }) => [
    () => ofTaken(g, input(0), input(1), greater),
    () => ofTaken(g, input(1), input(0), greater),
  ],
  equal: step,
  less: step,
  and: step,
  where: ({ input, gradient: g }) => [
    null,
    () => where(input(0), g, 0),
    () => where(input(0), 0, g),
  ],
} satisfies { [O in ElementwiseOperator]: Differentiation<O> };

type ElementwiseOperator =
  | "negate"
  | "exp"
  | "log"
  | "sqrt"
  | "sin"
  | "cos"
  | "acos"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "absolute"
  | "relu"
  | "gelu"
  | "swish"
  | "not"
  | "cast"
  | "add"
  | "subtract"
  | "multiply"
  | "divide"
  | "power"
  | "minimum"
  | "maximum"
  | "equal"
  | "less"
  | "and"
  | "where";
