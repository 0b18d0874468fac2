/** What a gradient rule is, and what it sees of its node. */
import type { Node } from "../graph/node.ts";
import type { Operator, OperatorParameters } from "../graph/operators.ts";

export interface Told<O extends Operator> {
  readonly parameters: OperatorParameters[O];
  readonly inputs: readonly Node[];
  input(index: number): Node;
  readonly output: Node;
  /** Of the loss in the output; the output's shape and type. */
  readonly gradient: Node;
}

/** The loss's gradient in one operand; `null` where the operand has none. */
export type Formula = (() => Node) | null;

/**
 * A formula for each operand. Those that lead to no wanted parameter are never called. A result may still have the
 * output's shape where the operand was broadcast.
 */
export type GradientRule<O extends Operator> = (told: Told<O>) => readonly Formula[];

/** Nothing passes back through the operator. */
export interface NoGradient {
  readonly because: string;
}

export type Differentiation<O extends Operator> = GradientRule<O> | NoGradient;
