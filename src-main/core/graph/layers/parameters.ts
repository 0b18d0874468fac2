/** How a layer asks for its parameters, so that one description of a network trains and infers. */
import { assert } from "../../errors.ts";
import { input } from "../build/leaves.ts";
import type { Node } from "../node.ts";
import type { Initial } from "./initial.ts";

/** Names are the module paths of torch, shapes as there; `initial` says what training begins with. */
export interface Parameters {
  (name: string, shape: readonly number[], initial: Initial): Node;
  /** What changes the weight of that name and shape at each run, in a network that takes LoRAs. */
  readonly adapter?: (weight: string, shape: readonly number[]) => Adapter | undefined;
}

/** A layer with it computes by `scale * weight + up · down`, without ever making that matrix. */
export interface Adapter {
  /** [rank, in, ...kernel]; the rank may be symbolic. */
  readonly down: Node;
  /** [out, rank] */
  readonly up: Node;
  /** DoRA's: a factor of each of the weight's rows [out] and of each input channel [in]. */
  readonly scale?: { readonly out: Node; readonly in: Node } | undefined;
}

/** The parameters of a part: `within(parameters, "down.0")("conv.weight", …)` asks for `down.0.conv.weight`. */
export function within(parameters: Parameters, path: string): Parameters {
  const { adapter } = parameters;
  return withAdapter(
    (name, shape, initial) => parameters(`${path}.${name}`, shape, initial),
    adapter && ((weight, shape) => adapter(`${path}.${weight}`, shape)),
  );
}

export function withAdapter(parameters: Parameters, adapter: Parameters["adapter"]): Parameters {
  // Not onto the function that was given: it may be another's.
  const own: Parameters = (name, shape, initial) => parameters(name, shape, initial);
  return adapter ? Object.assign(own, { adapter }) : own;
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
