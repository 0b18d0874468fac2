/**
 * Recomputation: what lies inside a segment is computed again when the backward pass comes to it (gradient
 * checkpointing, arXiv 1604.06174), so that only what the segment is given and gives lives through the forward pass.
 */
import { assert } from "../errors.ts";
import { after } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";

/** What depends on the inputs and leads to the outputs is computed twice. */
export interface Segment {
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}

/** The operand, or its copy, for use in the gradient of `user`, where `gradient` has just arrived. */
export type Recomputation = (user: Node, gradient: Node, operand: Node) => Node;

export function recomputation(order: readonly Node[], segments: readonly Segment[]): Recomputation {
  const copiesFor = new Map<Node, (gradient: Node) => ReadonlyMap<Node, Node>>();
  for (const segment of segments) {
    const inside = insideOf(order, segment);
    let copies: ReadonlyMap<Node, Node> | undefined;
    const copied = (gradient: Node) => (copies ??= copiesOf(inside, segment, gradient));
    for (const user of [...inside, ...segment.outputs]) {
      assert(!copiesFor.has(user), `${user.operator} is part of two segments`);
      copiesFor.set(user, copied);
    }
  }
  return (user, gradient, operand) => copiesFor.get(user)?.(gradient).get(operand) ?? operand;
}

/** Strictly between: neither inputs nor outputs, in order. */
function insideOf(order: readonly Node[], { inputs, outputs }: Segment): Node[] {
  const given = new Set(inputs);
  const below = new Set(inputs);
  for (const node of order) if (node.inputs.some((operand) => below.has(operand))) below.add(node);
  const above = new Set(outputs);
  for (const node of order.toReversed()) {
    if (above.has(node) && !given.has(node)) for (const operand of node.inputs) above.add(operand);
  }
  const ends = new Set([...inputs, ...outputs]);
  return order.filter((node) => below.has(node) && above.has(node) && !ends.has(node));
}

/** Copies begin behind the gradient: they cannot be computed, nor merged with the originals, before it is there. */
function copiesOf(
  inside: readonly Node[],
  { inputs, outputs }: Segment,
  gradient: Node,
): ReadonlyMap<Node, Node> {
  const ends = new Map([...inputs, ...outputs].map((end) => [end, after(end, gradient)]));
  const copies = new Map<Node, Node>();
  for (const node of inside) {
    const operands = node.inputs.map(
      (operand) => copies.get(operand) ?? ends.get(operand) ?? operand,
    );
    copies.set(node, { ...node, inputs: operands });
  }
  return copies;
}
