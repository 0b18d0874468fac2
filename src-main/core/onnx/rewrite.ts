/** Changes to a graph before it is lowered: the same values by fewer or cheaper nodes. */
import type { Graph, Node } from "../graph/node.ts";
import type { Operator } from "../graph/operators.ts";
import { inOrder } from "../graph/order.ts";
import { broadcast, sameShape, type Shape } from "../graph/shape.ts";

/** Operators that repeat their operands' axes of size 1 themselves. */
const broadcasting: ReadonlySet<Operator> = new Set([
  "add",
  "subtract",
  "multiply",
  "divide",
  "power",
  "minimum",
  "maximum",
  "equal",
  "less",
  "and",
  "where",
]);

/** Takes values as they were before an `expand` wherever the shape of the result does not need it. */
export function withoutNeedlessExpansions({ outputs }: Graph): Graph {
  const changed = new Map<Node, Node>();
  const now = (node: Node) => changed.get(node) ?? node;
  for (const node of inOrder(outputs.values())) {
    let inputs = node.inputs.map(now);
    if (broadcasting.has(node.operator)) inputs = unexpanded(inputs, node.shape);
    else if (node.operator === "expand") inputs = inputs.map(source);
    if (inputs.some((input, index) => input !== node.inputs[index])) {
      changed.set(node, { ...node, inputs });
    }
  }
  return { outputs: new Map(Array.from(outputs, ([name, node]) => [name, now(node)])) };
}

function source(node: Node): Node {
  const [operand] = node.inputs;
  return node.operator === "expand" && operand !== undefined ? operand : node;
}

function unexpanded(operands: readonly Node[], shape: Shape): Node[] {
  const kept = [...operands];
  operands.forEach((operand, index) => {
    const shapes = kept.with(index, source(operand)).map((each) => each.shape);
    const result = shapes.reduce<Shape | undefined>((sum, each) => sum && broadcast(sum, each), []);
    if (result !== undefined && sameShape(result, shape)) kept[index] = source(operand);
  });
  return kept;
}
