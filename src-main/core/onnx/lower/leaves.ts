/** Inputs, constants, weights. */
import type { NodeOf } from "../../graph/node.ts";
import { assert } from "../../errors.ts";
import type { Emitter } from "../emitter.ts";
import { borderType } from "../border.ts";
import { shapeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

export const leaves = {
  input: (emitter, _, { parameters: { name, dtype, shape } }) => {
    const given = borderType(dtype);
    emitter.inputs.push({ name, dtype: given, shape });
    return given === dtype ? name : emitter.cast(name, dtype);
  },
  constant: (emitter, _, { parameters: { values, dtype, shape } }) => {
    const dims = shape.filter((size) => typeof size === "number");
    const known = dims.length === shape.length;
    if (typeof values !== "number") {
      assert(known, "an array's shape consists of numbers");
      return emitter.array(values, dims, dtype);
    }
    return known
      ? emitter.filled(values, dims, dtype)
      : emitter.filledTo(values, shapeValue(emitter, shape), dtype);
  },
  weight: weightData,
} satisfies { [O in "input" | "constant" | "weight"]: LowerRule<O> };

function weightData(emitter: Emitter, _: readonly string[], { parameters }: NodeOf<"weight">) {
  const { name, dtype, shape, source } = parameters;
  if (source.kind === "bytes") return emitter.initialiser(dtype, shape, source.bytes, name);
  const { path, offset, length } = source;
  const location = emitter.target.locate?.(path) ?? path;
  return emitter.initialiser(dtype, shape, { location, offset, length }, name);
}
