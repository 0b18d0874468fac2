/** What a lowering rule sees. */
import type { NodeOf } from "../../graph/node.ts";
import type { Operator } from "../../graph/operators.ts";
import type { Emitter } from "../emitter.ts";

/** Emits what computes the node from its operands' values, and gives the name of the result. */
export type LowerRule<O extends Operator> = (
  emitter: Emitter,
  operands: readonly string[],
  node: NodeOf<O>,
) => string;
