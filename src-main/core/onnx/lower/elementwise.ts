/** Arithmetic on values. */
import type { Operator } from "../../graph/operators.ts";
import { sameShape } from "../../graph/shape.ts";
import { elementTypes } from "../element-types.ts";
import { float, integer, microsoft } from "../emitter.ts";
import type { LowerRule } from "./rule.ts";

/** Operators that are one of ONNX's by another name. */
function same<O extends Operator>(type: string): LowerRule<O> {
  return (emitter, operands) => emitter.node(type, operands);
}

export const elementwise = {
  negate: same("Neg"),
  exp: same("Exp"),
  log: same("Log"),
  sqrt: same("Sqrt"),
  sin: same("Sin"),
  cos: same("Cos"),
  acos: same("Acos"),
  tanh: same("Tanh"),
  sigmoid: same("Sigmoid"),
  erf: same("Erf"),
  absolute: same("Abs"),
  relu: same("Relu"),
  gelu: same("Gelu"),
  swish: (emitter, operands, { dtype, parameters: { alpha } }) => {
    if (emitter.target.provider !== "coreml")
      return emitter.node("QuickGelu", operands, { alpha: float(alpha) }, { domain: microsoft });
    // CoreML has the standard's operators only.
    const [x = ""] = operands;
    const scaled = alpha === 1 ? x : emitter.node("Mul", [x, emitter.scalar(alpha, dtype)]);
    return emitter.node("Mul", [x, emitter.node("Sigmoid", [scaled])]);
  },
  not: same("Not"),
  cast: (emitter, operands, { parameters: { to } }) =>
    emitter.node("Cast", operands, { to: integer(elementTypes[to]) }),

  add: same("Add"),
  subtract: same("Sub"),
  multiply: same("Mul"),
  divide: same("Div"),
  power: (emitter, [x = "", exponent = ""], { inputs, shape }) => {
    const [base, power] = inputs;
    const constant = power?.operator === "constant" ? power.parameters.values : undefined;
    const kept = base !== undefined && sameShape(base.shape, shape);
    // Pow itself is fast at 2 and 3 only.
    if (kept && constant === 0.5) return emitter.node("Sqrt", [x]);
    if (kept && constant === -1) return emitter.node("Reciprocal", [x]);
    return emitter.node("Pow", [x, exponent]);
  },
  minimum: same("Min"),
  maximum: same("Max"),
  equal: same("Equal"),
  less: (emitter, operands, { inputs }) => {
    // ONNX orders numbers only.
    const numbers =
      inputs[0]?.dtype === "BOOL" ? operands.map((value) => emitter.cast(value, "I32")) : operands;
    return emitter.node("Less", numbers);
  },
  and: same("And"),
  where: (emitter, operands, { dtype }) => {
    if (dtype !== "BOOL") return emitter.node("Where", operands);
    // The CPU has no kernel that chooses between truths.
    const [condition = "", yes = "", no = ""] = operands;
    return emitter.node("Or", [
      emitter.node("And", [condition, yes]),
      emitter.node("And", [emitter.node("Not", [condition]), no]),
    ]);
  },
} satisfies { [O in ElementwiseOperator]: LowerRule<O> };

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
