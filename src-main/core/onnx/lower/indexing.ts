/** Look-ups by index. */
import { integer, text } from "../emitter.ts";
import { shapeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

export const indexing = {
  gather: (emitter, operands) => emitter.node("Gather", operands, { axis: integer(0) }),
  scatterAdd: (emitter, [indices = "", rows = ""], { inputs, dtype, shape }) => {
    const wide = inputs[0]?.dtype === "I64" ? indices : emitter.cast(indices, "I64");
    const places = emitter.node("Unsqueeze", [wide, emitter.list([-1])]);
    const known = shape.filter((size) => typeof size === "number");
    const zeros =
      known.length === shape.length
        ? emitter.filled(0, known, dtype)
        : emitter.filledTo(0, shapeValue(emitter, shape), dtype);
    return emitter.node("ScatterND", [zeros, places, rows], { reduction: text("add") });
  },
  oneHot: (emitter, [indices = ""], { inputs, shape, parameters: { depth } }) => {
    const wide = inputs[0]?.dtype === "I64" ? indices : emitter.cast(indices, "I64");
    const values = emitter.array(Float32Array.of(0, 1), [2], "F32");
    const rows = shape.length === 1 ? emitter.node("Reshape", [wide, emitter.list([1])]) : wide;
    const hot = emitter.node("OneHot", [rows, emitter.list([depth]), values], {
      axis: integer(-1),
    });
    // ONNX takes no single index.
    return shape.length === 1 ? emitter.node("Reshape", [hot, emitter.list([depth])]) : hot;
  },
} satisfies { [O in "gather" | "scatterAdd" | "oneHot"]: LowerRule<O> };
