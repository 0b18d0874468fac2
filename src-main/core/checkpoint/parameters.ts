/** A component's parameters as weights of a graph: byte ranges of the original files, nothing copied. */
import { assert } from "../errors.ts";
import { cast, transpose, weight } from "../graph/build/index.ts";
import type { Parameters } from "../graph/layers/index.ts";
import type { Checkpoint, ModelComponent } from "./checkpoint.ts";

/** Weights stored in another type than `compute` are cast where they are read. */
export function checkpointParameters(
  { path, components }: Pick<Checkpoint, "path" | "components">,
  component: ModelComponent,
  compute: "F32" | "F16",
): Parameters {
  const weights = components.get(component);
  assert(weights, `${path} has no ${component}`);
  return (name, shape) => {
    const stored = weights.get(name);
    assert(stored, `${component} of ${path} has no parameter ${name}`);
    assert(
      stored.shape.join() === shape.join(),
      `${component}.${name} is asked for as [${shape.join()}] and was checked as [${stored.shape.join()}]`,
    );
    const { dtype, transposed, offset, length } = stored;
    const source = { kind: "file", path: stored.path, offset, length } as const;
    const lying = transposed ? shape.toReversed() : shape;
    const node = weight(`${component}.${name}`, lying, source, dtype);
    const typed = dtype === compute ? node : cast(node, compute);
    return transposed ? transpose(typed, [1, 0]) : typed;
  };
}
