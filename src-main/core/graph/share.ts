/** Makes one node of all that compute the same, and drops what no output needs. */
import type { Graph, Node } from "./node.ts";
import { inOrder } from "./order.ts";
import { parametersText } from "./print.ts";
import { shapeText } from "./shape.ts";

/** `after` and everything behind it stay apart: a recomputed value must not become the one it stands in for. */
export function shareCommon({ outputs }: Graph): Graph {
  const shared = new Map<Node, Node>();
  const known = new Map<string, Node>();
  const numbers = new Map<Node, number>();
  const arrays = new Map<object, number>();
  for (const node of inOrder(outputs.values())) {
    const inputs = node.inputs.map((operand) => shared.get(operand) ?? operand);
    const key = keyOf(node, inputs, numbers, arrays);
    const same = known.get(key);
    if (same) {
      shared.set(node, same);
      continue;
    }
    const kept = inputs.every((operand, index) => operand === node.inputs[index])
      ? node
      : { ...node, inputs };
    shared.set(node, kept);
    known.set(key, kept);
    numbers.set(kept, numbers.size);
  }
  return {
    outputs: new Map(Array.from(outputs, ([name, node]) => [name, shared.get(node) ?? node])),
  };
}

/** Values that do not stand in the text are told apart by identity: hashing a checkpoint takes longer than it saves. */
function keyOf(
  node: Node,
  inputs: readonly Node[],
  numbers: ReadonlyMap<Node, number>,
  arrays: Map<object, number>,
): string {
  if (node.operator === "weight") return `weight ${node.parameters.name}`;
  const operands = inputs.map((operand) => numbers.get(operand) ?? -1).join(" ");
  const signature = `${node.dtype} ${shapeText(node.shape)}`;
  if (node.operator === "constant" && typeof node.parameters.values !== "number") {
    const { values } = node.parameters;
    const array = arrays.get(values) ?? arrays.size;
    arrays.set(values, array);
    return `constant array ${array} ${signature}`;
  }
  return `${node.operator} ${operands} {${parametersText(node)}} ${signature}`;
}
