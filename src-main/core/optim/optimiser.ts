/** The optimisers under one face: which state each keeps for a parameter, and its step. */
import { add, where } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";
import { adamw, type AdamWOptions } from "./adamw.ts";
import type { Slope } from "./groups.ts";
import { sgd, type SgdOptions } from "./sgd.ts";
import type { State } from "./state.ts";

export type Optimiser =
  | ({ readonly kind: "adamw" } & Omit<AdamWOptions, "rate" | "apply">)
  | ({ readonly kind: "sgd" } & Omit<SgdOptions, "rate" | "apply">);

/** What is the same for all parameters of a step. */
export interface Update {
  /** Number of the update, from 1. */
  readonly number: Node;
  readonly rate: Node;
  /** BOOL: whether this step updates at all; absent where every one does. */
  readonly apply: Node | undefined;
}

/** Updates are counted apart from steps where some steps make none. */
export function updateNumber(step: Node, apply: Node | undefined, state: State): Node {
  if (!apply) return step;
  const before = state.zeros("updates");
  const number = add(before, 1);
  state.next.set("updates", where(apply, number, before));
  return number;
}

/** The parameter behind the step; what the optimiser keeps goes into the state under the parameter's name. */
export function updated(
  optimiser: Optimiser,
  { number, rate, apply }: Update,
  state: State,
  { name, shape, parameter, gradient }: Slope,
): Node {
  const when = { rate, ...(apply && { apply }) };
  if (optimiser.kind === "sgd") {
    const velocity = state.zeros(`velocity:${name}`, shape);
    const next = sgd(parameter, gradient, velocity, { ...optimiser, ...when });
    state.next.set(`velocity:${name}`, next.velocity);
    return next.parameter;
  }
  const moments = {
    first: state.zeros(`first:${name}`, shape),
    second: state.zeros(`second:${name}`, shape),
  };
  const next = adamw(parameter, gradient, moments, number, { ...optimiser, ...when });
  state.next.set(`first:${name}`, next.first).set(`second:${name}`, next.second);
  return next.parameter;
}
