/** Values of operators that work element by element. */
import { missingCase } from "../../../src-main/core/errors.ts";
import type { GraphDType } from "../../../src-main/core/graph/operators.ts";
import type { EvaluateRule, Told } from "./rule.ts";
import { at, fill } from "./tensor.ts";

function each(f: (x: number) => number) {
  return <O extends ElementwiseOperator>({ input }: Told<O>) => input(0).values.map(f);
}

function both(f: (x: number, y: number) => number) {
  return <O extends ElementwiseOperator>({ input, shape }: Told<O>) => {
    const [left, right] = [input(0), input(1)];
    return fill(shape, (index) => f(at(left, index), at(right, index)));
  };
}

/**
 * 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / (3 5) + ...): Abramowitz and Stegun 7.1.6, whose terms have one
 * sign, so that nothing cancels.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Integers lose their fraction towards zero; the precision of floats is not followed. */
function convert(to: GraphDType): (x: number) => number {
  switch (to) {
    case "F32":
    case "F16":
    case "BF16":
      return (x) => x;
    case "I32":
    case "I64":
      return Math.trunc;
    case "BOOL":
      return (x) => Number(x !== 0);
    default:
      return missingCase(to);
  }
}

export const elementwise = {
  negate: each((x) => -x),
  exp: each(Math.exp),
  log: each(Math.log),
  sqrt: each(Math.sqrt),
  sin: each(Math.sin),
  cos: each(Math.cos),
  acos: each(Math.acos),
  tanh: each(Math.tanh),
  sigmoid: each(sigmoid),
  erf: each(erf),
  absolute: each(Math.abs),
  relu: each((x) => Math.max(x, 0)),
  gelu: each((x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
  swish: ({ input, parameters: { alpha } }) => input(0).values.map((x) => x * sigmoid(alpha * x)),
  not: each((x) => 1 - x),
  cast: ({ input, parameters: { to } }) => input(0).values.map(convert(to)),
  add: both((x, y) => x + y),
  subtract: both((x, y) => x - y),
  multiply: both((x, y) => x * y),
  divide: both((x, y) => x / y),
  power: both((x, y) => x ** y),
  minimum: both(Math.min),
  maximum: both(Math.max),
  equal: both((x, y) => Number(x === y)),
  less: both((x, y) => Number(x < y)),
  and: both((x, y) => x * y),
  where: ({ input, shape }) => {
    const [condition, yes, no] = [input(0), input(1), input(2)];
    return fill(shape, (index) => at(at(condition, index) === 0 ? no : yes, index));
  },
} satisfies { [O in ElementwiseOperator]: EvaluateRule<O> };

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
