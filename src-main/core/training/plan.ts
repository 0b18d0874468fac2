/** What a training consists of: a step as a graph, what it begins with, and the data of each step. */
import { assert } from "../errors.ts";
import type { Graph } from "../graph/node.ts";
import type { StateEntry } from "../optim/state.ts";

/** Values that a step is given besides its state. */
export interface DataEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: keyof DataArrays;
}

/** The arrays that data of each type lie in. */
export interface DataArrays {
  readonly F32: Float32Array;
  readonly I32: Int32Array;
  readonly I64: BigInt64Array;
  readonly BOOL: Uint8Array;
}

export type Data = ReadonlyMap<string, DataArrays[keyof DataArrays]>;

/** A datum as the plan itself declared it. */
export function numbersOf(data: Data, name: string): Float32Array {
  const values = data.get(name);
  assert(values instanceof Float32Array, `the plan declared ${name} as F32`);
  return values;
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
  fill(seed: number, step: number, into: Data): void;
  /** Learning rate of a step, for what is shown. */
  rate(step: number): number;
}
