/** Graphs as ONNX models. */
import type { Graph, Node } from "../graph/node.ts";
import type { GraphDType, Operator } from "../graph/operators.ts";
import { inOrder } from "../graph/order.ts";
import { shareCommon } from "../graph/share.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { borderType } from "./border.ts";
import { Emitter, type ValueSignature } from "./emitter.ts";
import { type Fused, fusions } from "./fuse.ts";
import { lowerRules } from "./lower/index.ts";
import type { LowerRule } from "./lower/rule.ts";
import { modelBytes } from "./model.ts";
import { computedIn } from "./precision.ts";
import { withoutNeedlessExpansions } from "./rewrite.ts";
import { reshaped } from "./sizes.ts";
import type { Target } from "./target.ts";
import { weightsAsTheyLie } from "./weights.ts";

/** An input or output of a lowered graph. */
export interface Port {
  /** In the graph. */
  readonly name: string;
  /** In the model; differs where an output is called like an input. */
  readonly value: string;
  /** Of the values that a run is given or gives; BF16 travels as F32. */
  readonly dtype: Exclude<GraphDType, "BF16">;
  readonly shape: Shape;
}

export interface LoweredGraph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * The model's first output, a sequence: the runtime's binding for Node copies every output into new memory, results
   * that were given their memory too, unless it meets one that it cannot convert. A run that asks for this one and
   * for all others in given memory ends with that complaint, when everything is written and nothing is copied yet.
   */
  readonly written: string | undefined;
}

export function lowerGraph(graph: Graph, target: Target): LoweredGraph {
  const { outputs } = weightsAsTheyLie(withoutNeedlessExpansions(shareCommon(graph)));
  const emitter = new Emitter(target);
  const values = new Map<Node, string>();
  const order = inOrder(outputs.values());
  // Inputs first: sizes are read off them, wherever in the order they are wanted.
  for (const node of order) {
    if (node.operator === "input") values.set(node, lowerNode(emitter, node, []));
  }
  const { fused, within } = fusions(outputs, order, target);
  for (const node of order) {
    if (values.has(node) || within.has(node)) continue;
    const whole = fused.get(node);
    if (whole !== undefined) {
      values.set(node, lowerFused(emitter, whole, values));
      continue;
    }
    const operands = node.inputs.map((operand) => values.get(operand) ?? "");
    values.set(node, lowerNode(emitter, node, operands));
  }
  const inputs = emitter.inputs.map(({ name, dtype, shape }) => ({
    name,
    value: name,
    dtype: borderType(dtype),
    shape,
  }));
  const { ports, names } = nameOutputs(emitter, outputs, values);
  const signatures = ports.map(({ value, dtype, shape }): ValueSignature => ({
    name: value,
    dtype,
    shape,
  }));
  // Other providers would compute it on the CPU, which a session may refuse.
  const written =
    target.provider === "cpu"
      ? emitter.node("SequenceConstruct", [emitter.scalar(0, "F32")])
      : undefined;
  return {
    bytes: modelBytes(emitter, signatures, names, written),
    inputs,
    outputs: ports,
    written,
  };
}

function lowerFused(
  emitter: Emitter,
  { node, beside }: Fused,
  values: ReadonlyMap<Node, string>,
): string {
  const operands = node.inputs.map((operand) => values.get(operand) ?? "");
  const flat = beside.map((each) => {
    const value = values.get(each) ?? "";
    if (node.operator === "matmul") return value;
    return reshaped(emitter, value, each.shape, [sizeOf(each.shape)]);
  });
  return lowerNode(emitter, node, [...operands, ...flat]);
}

function lowerNode(emitter: Emitter, node: Node, operands: readonly string[]): string {
  // The rule belongs to this node's operator, which the compiler cannot see of a union.
  const rule = lowerRules[node.operator] as LowerRule<Operator>;
  return computedIn(emitter, node, operands, rule);
}

/** Values that are outputs take the outputs' names; those that cannot (inputs, initialisers, the second name of one value) are copied. */
function nameOutputs(
  emitter: Emitter,
  outputs: Graph["outputs"],
  values: ReadonlyMap<Node, string>,
): { ports: Port[]; names: Map<string, string> } {
  const taken = new Set([
    ...emitter.inputs.map(({ name }) => name),
    ...emitter.initialisers.map(({ name }) => name),
  ]);
  const fixed = new Set(taken);
  const names = new Map<string, string>();
  const ports = Array.from(outputs, ([name, node]): Port => {
    let value = name;
    while (taken.has(value)) value = `next ${value}`;
    taken.add(value);
    const own = values.get(node) ?? "";
    const dtype = borderType(node.dtype);
    const wide = dtype === node.dtype ? own : emitter.cast(own, dtype);
    const free = fixed.has(wide) || names.has(wide) ? emitter.node("Identity", [wide]) : wide;
    names.set(free, value);
    return { name, value, dtype, shape: node.shape };
  });
  return { ports, names };
}
