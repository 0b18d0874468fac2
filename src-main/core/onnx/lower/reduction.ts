/** Reductions, which keep their axes at size 1, and what is normalised by them. */
import { assert } from "../../errors.ts";
import { type Emitter, float, integer } from "../emitter.ts";
import { sizeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

type Reduction = "sum" | "mean" | "largest";

function reduce(type: string): LowerRule<Reduction> {
  return (emitter, [x = ""], { parameters: { axes } }) =>
    // Given no axes ONNX would reduce all of them.
    axes.length === 0 ? x : emitter.node(type, [x, emitter.list(axes)], { keepdims: integer(1) });
}

/** For WebGPU, which has no LogSoftmax. */
function logSoftmaxInParts(emitter: Emitter, x: string, axis: number): string {
  const over = emitter.list([axis]);
  const keep = { keepdims: integer(1) };
  const least = emitter.node("Sub", [x, emitter.node("ReduceMax", [x, over], keep)]);
  const total = emitter.node("ReduceSum", [emitter.node("Exp", [least]), over], keep);
  return emitter.node("Sub", [least, emitter.node("Log", [total])]);
}

function layerNormalization(
  emitter: Emitter,
  operands: readonly string[],
  epsilon: number,
): string {
  const attributes = { axis: integer(-1), epsilon: float(epsilon) };
  return emitter.node("LayerNormalization", operands, attributes);
}

export const reduction = {
  sum: reduce("ReduceSum"),
  mean: reduce("ReduceMean"),
  largest: reduce("ReduceMax"),
  argmax: (emitter, [x = ""], { inputs, parameters: { axis } }) => {
    const dtype = inputs[0]?.dtype;
    const numbers = dtype === "BOOL" ? emitter.cast(x, "I32") : x;
    const attributes = { axis: integer(axis), keepdims: integer(0) };
    if (dtype !== "I64") return emitter.node("ArgMax", [numbers], attributes);
    // The runtime's ArgMax takes no I64.
    const operands = [x, emitter.list([1])];
    const [, place = ""] = emitter.results(2, "TopK", operands, { axis: integer(axis) });
    return emitter.node("Squeeze", [place, emitter.list([axis])]);
  },
  softmax: (emitter, operands, { parameters: { axis } }) =>
    emitter.node("Softmax", operands, { axis: integer(axis) }),
  logSoftmax: (emitter, operands, { parameters: { axis } }) =>
    emitter.target.provider === "webgpu"
      ? logSoftmaxInParts(emitter, operands[0] ?? "", axis)
      : emitter.node("LogSoftmax", operands, { axis: integer(axis) }),
  /** Takes two operands that the graph has not: what the result is multiplied by, and what is added to it. */
  normalize: (emitter, [x = "", ...given], { parameters: { epsilon }, dtype, shape }) => {
    const size = shape.at(-1);
    assert(size !== undefined, "what is normalised has an axis");
    if (given.length > 0) return layerNormalization(emitter, [x, ...given], epsilon);
    const scale =
      typeof size === "number"
        ? emitter.filled(1, [size], dtype)
        : emitter.once(`ones ${dtype} ${size.text}`, () =>
            emitter.filledTo(1, sizeValue(emitter, size), dtype),
          );
    return layerNormalization(emitter, [x, scale], epsilon);
  },
} satisfies {
  [O in Reduction | "argmax" | "softmax" | "logSoftmax" | "normalize"]: LowerRule<O>;
};
