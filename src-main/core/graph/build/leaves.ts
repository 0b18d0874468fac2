/** What a graph is given: inputs, constants, weights. */
import { type Dimension, symbol } from "../dimension.ts";
import { make } from "../make.ts";
import type { Node } from "../node.ts";
import type { ConstantValues, GraphDType, WeightSource } from "../operators.ts";
import type { Shape } from "../shape.ts";

/** A value given at each run. Words in the shape are symbolic sizes: `input("x", ["batch", 512])`. */
export function input(
  name: string,
  shape: readonly (Dimension | string)[],
  dtype: GraphDType = "F32",
): Node {
  const sizes = shape.map((size) => (typeof size === "string" ? symbol(size) : size));
  return make("input", [], { name, dtype, shape: sizes });
}

export function constant(values: ConstantValues, shape: Shape, dtype: GraphDType = "F32"): Node {
  return make("constant", [], { values, dtype, shape });
}

/** One number of the type of another value, ready to broadcast. */
export function scalar(value: number, dtype: GraphDType = "F32"): Node {
  return constant(value, [], dtype);
}

/** Part of a checkpoint: fixed for the life of a session. */
export function weight(
  name: string,
  shape: readonly number[],
  source: WeightSource,
  dtype: GraphDType = "F32",
): Node {
  return make("weight", [], { name, dtype, shape, source });
}
