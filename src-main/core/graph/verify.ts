/** What every legal graph obeys; tests verify each graph they make. */
import { FacetError } from "../errors.ts";
import { infer } from "./make.ts";
import type { Graph, Node, Signature } from "./node.ts";
import type { WeightSource } from "./operators.ts";
import { inOrder } from "./order.ts";
import { sameShape, shapeText } from "./shape.ts";

/** Throws `shape-mismatch` or `malformed` with the node's number in print, its operator and the shapes. */
export function verifyGraph(graph: Graph): void {
  const inputs = new Map<string, Node>();
  const weights = new Map<string, Node>();
  inOrder(graph.outputs.values()).forEach((node, index) => {
    const { dtype, shape } = inferAt(node, index);
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

function inferAt(node: Node, index: number): Signature {
  try {
    return infer(node.operator, node.inputs, node.parameters);
  } catch (cause) {
    if (!(cause instanceof FacetError)) throw cause;
    throw new FacetError(cause.code, `%${index} = ${cause.message}`, {
      field: node.operator,
      cause,
    });
  }
}

/** One name, one signature, and one place of a weight's bytes: weights are shared by name. */
function claim(names: Map<string, Node>, name: string, node: Node): void {
  const other = names.get(name) ?? node;
  names.set(name, node);
  if (other.dtype !== node.dtype || !sameShape(other.shape, node.shape)) {
    throw new FacetError(
      "malformed",
      `Two ${node.operator}s are called ${name}: ${other.dtype} ${shapeText(other.shape)} and ${node.dtype} ${shapeText(node.shape)}.`,
      { field: name },
    );
  }
  if (node.operator !== "weight" || other.operator !== "weight") return;
  if (!sameSource(node.parameters.source, other.parameters.source)) {
    throw new FacetError(
      "malformed",
      `Two weights are called ${name} and lie in different places.`,
      {
        field: name,
      },
    );
  }
}

function sameSource(one: WeightSource, other: WeightSource): boolean {
  return one.kind === "file" && other.kind === "file"
    ? one.path === other.path && one.offset === other.offset
    : one.kind === "bytes" && other.kind === "bytes" && one.bytes === other.bytes;
}
