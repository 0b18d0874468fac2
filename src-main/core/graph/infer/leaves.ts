/** Shapes and types of what a graph does not compute. */
import { byteSize, elementCount } from "../../tensor/dtype.ts";
import { sizeOf } from "../shape.ts";
import { type InferRule, needSizes, refuse } from "./rule.ts";

export const leaves = {
  input: (_, { dtype, shape }) => {
    needSizes(shape);
    return { dtype, shape };
  },
  constant: (_, { values, dtype, shape }) => {
    needSizes(shape);
    const size = sizeOf(shape);
    if (typeof values !== "number" && values.length !== size)
      refuse(`${values.length} values for ${typeof size === "number" ? size : size.text}`);
    return { dtype, shape };
  },
  weight: (_, { name, dtype, shape, source }) => {
    needSizes(shape);
    const bytes = elementCount(shape) * byteSize(dtype);
    const found = source.kind === "file" ? source.length : source.bytes.byteLength;
    if (bytes !== found) refuse(`${name} has ${found} bytes where its shape needs ${bytes}`);
    return { dtype, shape };
  },
} satisfies { [O in "input" | "constant" | "weight"]: InferRule<O> };
