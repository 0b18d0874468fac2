/** The nodes of a graph, operands before what uses them, always in the same order. */
import type { Node } from "./node.ts";

/** Without recursion: a chain of training steps is deeper than a call stack. */
export function inOrder(outputs: Iterable<Node>): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const open: { node: Node; next: number }[] = [];
  for (const output of outputs) {
    if (seen.has(output)) continue;
    seen.add(output);
    open.push({ node: output, next: 0 });
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const operand = top.node.inputs[top.next++];
      if (operand === undefined) {
        order.push(top.node);
        open.pop();
      } else if (!seen.has(operand)) {
        seen.add(operand);
        open.push({ node: operand, next: 0 });
      }
    }
  }
  return order;
}
