/** Values of what a graph does not compute. */
import { readFileSync } from "node:fs";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { toFloat32 } from "../../../src-main/core/tensor/convert.ts";
import type { EvaluateRule } from "./rule.ts";

export const leaves = {
  input: ({ parameters, fed }) => fed(parameters.name).values,
  constant: ({ parameters: { values }, shape }) =>
    typeof values === "number"
      ? new Float64Array(elementCount(shape)).fill(values)
      : Float64Array.from(values, Number),
  weight: ({ parameters: { source, dtype } }) => {
    const bytes =
      source.kind === "bytes"
        ? source.bytes
        : readFileSync(source.path).subarray(source.offset, source.offset + source.length);
    return Float64Array.from(toFloat32(new Uint8Array(bytes), dtype));
  },
} satisfies { [O in "input" | "constant" | "weight"]: EvaluateRule<O> };
