/** One value of a graph: an operator, its parameters and its operands. Nodes are immutable and know their shape. */
import type { GraphDType, Operator, OperatorParameters } from "./operators.ts";
import type { Shape } from "./shape.ts";

export interface NodeOf<O extends Operator> {
  readonly operator: O;
  readonly parameters: OperatorParameters[O];
  readonly inputs: readonly Node[];
  readonly dtype: GraphDType;
  readonly shape: Shape;
}

export type Node = { [O in Operator]: NodeOf<O> }[Operator];

/** What a graph computes, by name; the names are those of a session's outputs. */
export interface Graph {
  readonly outputs: ReadonlyMap<string, Node>;
}

/** What is known of a value before it is computed. */
export interface Signature {
  readonly dtype: GraphDType;
  readonly shape: Shape;
}

export function graphOf(outputs: Readonly<Record<string, Node>>): Graph {
  return { outputs: new Map(Object.entries(outputs)) };
}
