/** What a training consists of: a step as a graph, what it begins with, and the data of each step. */
import type { Graph } from "../graph/node.ts";
import type { StateEntry } from "../optim/state.ts";

/** Values that a step is given besides its state. */
export interface DataEntry {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface TrainingPlan {
  /** State, data and `step` in; state, `loss` and perhaps `gradient-norm` out. */
  readonly graph: Graph;
  readonly state: readonly StateEntry[];
  readonly data: readonly DataEntry[];
  /** Values of the state's entries that are given: a function of the seed alone. */
  initial(seed: number): ReadonlyMap<string, Float32Array>;
  /**
   * Writes a step's data, counted from 1: a function of seed and step alone, so that a training that goes on after
   * an interruption needs no more of its random numbers than these two.
   */
  fill(seed: number, step: number, into: ReadonlyMap<string, Float32Array>): void;
  /** Learning rate of a step, for what is shown. */
  rate(step: number): number;
}
