/** How a layer asks for its parameters, so that one description of a network trains and infers. */
import { assert } from "../../errors.ts";
import { input } from "../build/leaves.ts";
import type { Node } from "../node.ts";
import type { Initial } from "./initial.ts";

/** Names are the module paths of torch, shapes as there; `initial` says what training begins with. */
export type Parameters = (name: string, shape: readonly number[], initial: Initial) => Node;

/** The parameters of a part: `within(parameters, "down.0")("conv.weight", …)` asks for `down.0.conv.weight`. */
export function within(parameters: Parameters, path: string): Parameters {
  return (name, shape, initial) => parameters(`${path}.${name}`, shape, initial);
}

/** A parameter that training may change. */
export interface Trained {
  readonly node: Node;
  readonly shape: readonly number[];
  readonly initial: Initial;
}

/** Parameters as float32 inputs `parameter:<name>`, kept in the order in which the network asks for them. */
export function trainedParameters(): {
  parameters: Parameters;
  trained: ReadonlyMap<string, Trained>;
} {
  const trained = new Map<string, Trained>();
  return {
    trained,
    parameters: (name, shape, initial) => {
      const known = trained.get(name);
      if (known === undefined) {
        const node = input(`parameter:${name}`, shape);
        trained.set(name, { node, shape, initial });
        return node;
      }
      assert(
        known.shape.join() === shape.join(),
        `${name} is asked for as [${known.shape.join(", ")}] and as [${shape.join(", ")}]`,
      );
      return known.node;
    },
  };
}
