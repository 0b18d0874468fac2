/** What a training carries from step to step, by name: inputs of a step's graph, and outputs of the same names. */
import { input } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";
import type { GraphDType } from "../graph/operators.ts";

export interface StateEntry {
  readonly name: string;
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
  /** `given`: a parameter, which the network's description or a checkpoint knows. */
  readonly initial: "zeros" | "given";
}

/** Collects the state while a step is written. */
export class State {
  readonly entries: StateEntry[] = [];
  /** Values behind the step, by name. */
  readonly next = new Map<string, Node>();

  /** A parameter that is an input of this name already. */
  given(name: string, shape: readonly number[]): void {
    this.entries.push({ name, dtype: "F32", shape, initial: "given" });
  }

  /** The value before the step; zeros before the first. */
  zeros(name: string, shape: readonly number[] = []): Node {
    this.entries.push({ name, dtype: "F32", shape, initial: "zeros" });
    return input(name, shape);
  }
}
