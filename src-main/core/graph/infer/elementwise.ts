/** Shapes and types of operators that work element by element. */
import type { Signature } from "../node.ts";
import type { GraphDType } from "../operators.ts";
import { broadcast, shapeText } from "../shape.ts";
import { type InferRule, needFloat, operands, refuse, sameDtype } from "./rule.ts";

function floating(inputs: readonly Signature[]): Signature {
  const [x] = operands(inputs, 1);
  needFloat(x);
  return x;
}

function numeric(inputs: readonly Signature[]): Signature {
  const [x] = operands(inputs, 1);
  if (x.dtype === "BOOL") refuse("needs numbers, not BOOL");
  return x;
}

function together(inputs: readonly Signature[], result?: GraphDType): Signature {
  const [left, right] = operands(inputs, 2);
  const dtype = sameDtype(inputs);
  const shape = broadcast(left.shape, right.shape);
  if (!shape)
    return refuse(`${shapeText(left.shape)} and ${shapeText(right.shape)} do not broadcast`);
  return { dtype: result ?? dtype, shape };
}

function arithmetic(inputs: readonly Signature[]): Signature {
  const signature = together(inputs);
  if (signature.dtype === "BOOL") refuse("needs numbers, not BOOL");
  return signature;
}

function powers(inputs: readonly Signature[]): Signature {
  const signature = together(inputs);
  needFloat(signature);
  return signature;
}

function logical(inputs: readonly Signature[]): Signature {
  if (inputs.some(({ dtype }) => dtype !== "BOOL")) refuse("needs BOOL operands");
  return together(inputs);
}

export const elementwise = {
  negate: numeric,
  exp: floating,
  log: floating,
  sqrt: floating,
  sin: floating,
  cos: floating,
  acos: floating,
  tanh: floating,
  sigmoid: floating,
  erf: floating,
  absolute: numeric,
  relu: floating,
  gelu: floating,
  swish: floating,
  not: (inputs) => {
    const [x] = operands(inputs, 1);
    if (x.dtype !== "BOOL") refuse("needs BOOL operands");
    return x;
  },
  cast: (inputs, { to }) => ({ dtype: to, shape: operands(inputs, 1)[0].shape }),
  add: arithmetic,
  subtract: arithmetic,
  multiply: arithmetic,
  divide: powers,
  power: powers,
  minimum: arithmetic,
  maximum: arithmetic,
  equal: (inputs) => together(inputs, "BOOL"),
  less: (inputs) => together(inputs, "BOOL"),
  and: logical,
  where: (inputs) => {
    const [condition, yes, no] = operands(inputs, 3);
    if (condition.dtype !== "BOOL") refuse("needs a BOOL condition");
    const values = together([yes, no]);
    const shape = broadcast(condition.shape, values.shape);
    if (!shape) return refuse(`the condition does not broadcast to ${shapeText(values.shape)}`);
    return { dtype: values.dtype, shape };
  },
} satisfies { [O in ElementwiseOperator]: InferRule<O> };

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
