/** The one place where nodes are made: shapes and types are checked here, when the graph is built. */
import { inferRules } from "./infer/index.ts";
import { mismatch, Refusal } from "./infer/rule.ts";
import type { Node, NodeOf, Signature } from "./node.ts";
import type { Operator, OperatorParameters } from "./operators.ts";

/** Throws `shape-mismatch` with the operator, its operands' types and shapes, and what is wrong. */
export function make<O extends Operator>(
  operator: O,
  inputs: readonly Node[],
  parameters: OperatorParameters[O],
): Node {
  const { dtype, shape } = infer(operator, inputs, parameters);
  const node: NodeOf<O> = { operator, parameters, inputs, dtype, shape };
  // `NodeOf<O>` for one unknown O is a member of the union, which the compiler cannot see.
  return node as Node;
}

export function infer<O extends Operator>(
  operator: O,
  inputs: readonly Signature[],
  parameters: OperatorParameters[O],
): Signature {
  try {
    return inferRules[operator](inputs, parameters);
  } catch (error) {
    if (error instanceof Refusal) throw mismatch(operator, inputs, error.message);
    throw error;
  }
}
