/** What every legal graph obeys; tests verify each graph they make. */
import { FacetError } from "../errors.ts";
import { infer } from "./make.ts";
import type { Graph, Node } from "./node.ts";
import { inOrder } from "./order.ts";
import { sameShape, shapeText } from "./shape.ts";

/** Throws `shape-mismatch` or `malformed` with the node's number in print, its operator and the shapes. */
export function verifyGraph(graph: Graph): void {
  const inputs = new Map<string, Node>();
  const weights = new Map<string, Node>();
  inOrder(graph.outputs.values()).forEach((node, index) => {
    const { dtype, shape } = infer(node.operator, node.inputs, node.parameters);
    if (dtype !== node.dtype || !sameShape(shape, node.shape)) {
      throw new FacetError(
        "shape-mismatch",
        `%${index} = ${node.operator} says ${node.dtype} ${shapeText(node.shape)} and gives ${dtype} ${shapeText(shape)}.`,
        { field: node.operator },
      );
    }
    if (node.operator === "input") claim(inputs, node.parameters.name, node);
    if (node.operator === "weight") claim(weights, node.parameters.name, node);
  });
}

/** One name, one signature. */
function claim(names: Map<string, Node>, name: string, node: Node): void {
  const other = names.get(name);
  if (other !== undefined && (other.dtype !== node.dtype || !sameShape(other.shape, node.shape))) {
    throw new FacetError(
      "malformed",
      `Two ${node.operator}s are called ${name}: ${other.dtype} ${shapeText(other.shape)} and ${node.dtype} ${shapeText(node.shape)}.`,
      { field: name },
    );
  }
  names.set(name, node);
}
