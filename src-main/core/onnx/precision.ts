/** In which type a node is computed where its own is one that a provider has no kernels for. */
import type { NodeOf } from "../graph/node.ts";
import type { GraphDType, Operator } from "../graph/operators.ts";
import type { Emitter } from "./emitter.ts";
import type { LowerRule } from "./lower/rule.ts";

/** Operators that move values or make them, for which every element type has kernels. */
const anyType: ReadonlySet<Operator> = new Set([
  "input",
  "constant",
  "weight",
  "cast",
  "reshape",
  "after",
  "transpose",
  "slice",
  "concat",
  "gather",
]);

const halves: ReadonlySet<GraphDType> = new Set(["F16", "BF16"]);

/** The CPU computes halves in F32 and rounds each result: what it has no kernel for it would widen by itself, or refuse. */
export function computedIn(
  emitter: Emitter,
  node: NodeOf<Operator>,
  operands: readonly string[],
  rule: LowerRule<Operator>,
): string {
  const half = node.inputs.some(({ dtype }) => halves.has(dtype));
  if (!half || emitter.target.provider !== "cpu" || anyType.has(node.operator)) {
    return rule(emitter, operands, node);
  }
  const wide = (dtype: GraphDType): GraphDType => (halves.has(dtype) ? "F32" : dtype);
  const inputs = node.inputs.map((input) => ({ ...input, dtype: wide(input.dtype) }));
  const cast = node.inputs.map(({ dtype }, index) =>
    halves.has(dtype) ? widened(emitter, operands[index] ?? "") : (operands[index] ?? ""),
  );
  const result = rule(emitter, cast, { ...node, inputs, dtype: wide(node.dtype) });
  return halves.has(node.dtype) ? emitter.cast(result, node.dtype) : result;
}

function widened(emitter: Emitter, value: string): string {
  return emitter.once(`widened ${value}`, () => emitter.cast(value, "F32"));
}
