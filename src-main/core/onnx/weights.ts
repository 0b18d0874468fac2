/** Takes weights as they lie in their file where a graph moves them first: a moved one would be a copy in the session. */
import type { Graph, Node, NodeOf } from "../graph/node.ts";
import { inOrder } from "../graph/order.ts";

/**
 * A product reads a transposed weight by its flag; a reshaped weight is one of another shape over the same bytes. Both
 * also where the weight is cast in between.
 */
export function weightsAsTheyLie({ outputs }: Graph): Graph {
  const changed = new Map<Node, Node>();
  const now = (node: Node) => changed.get(node) ?? node;
  for (const node of inOrder(outputs.values())) {
    const inputs = node.inputs.map(now);
    const kept = inputs.every((input, index) => input === node.inputs[index])
      ? node
      : { ...node, inputs };
    const moved =
      kept.operator === "matmul"
        ? unturned(kept)
        : kept.operator === "reshape"
          ? reshapedWeight(kept)
          : kept;
    if (moved !== node) changed.set(node, moved);
  }
  return { outputs: new Map(Array.from(outputs, ([name, node]) => [name, now(node)])) };
}

function unturned(node: NodeOf<"matmul">): Node {
  const [left, right] = node.inputs;
  if (left === undefined || right === undefined) return node;
  const sources = [sourceOfTurned(left), sourceOfTurned(right)] as const;
  if (sources[0] === undefined && sources[1] === undefined) return node;
  const { transposeLeft, transposeRight } = node.parameters;
  return {
    ...node,
    inputs: [sources[0] ?? left, sources[1] ?? right],
    parameters: {
      transposeLeft: transposeLeft !== (sources[0] !== undefined),
      transposeRight: transposeRight !== (sources[1] !== undefined),
    },
  };
}

/** What a transposed weight is made from. */
function sourceOfTurned(node: Node): Node | undefined {
  const [source] = node.inputs;
  return node.operator === "transpose" &&
    node.parameters.permutation.join() === "1,0" &&
    source !== undefined &&
    isWeight(source)
    ? source
    : undefined;
}

function isWeight(node: Node): boolean {
  return node.operator === "cast"
    ? node.inputs.every(({ operator }) => operator === "weight")
    : node.operator === "weight";
}

function reshapedWeight(node: NodeOf<"reshape">): Node {
  const shape = node.parameters.shape.filter((size) => typeof size === "number");
  const [source] = node.inputs;
  if (source === undefined || shape.length < node.shape.length) return node;
  // Not vectors: shaped to broadcast they are small, and what adds them along an axis wants them as they were.
  if (source.shape.length < 2) return node;
  if (source.operator === "weight") return withShape(source, shape);
  const [stored] = source.inputs;
  return source.operator === "cast" && stored?.operator === "weight"
    ? { ...source, inputs: [withShape(stored, shape)], shape }
    : node;
}

/** By its own name, since both may be wanted: [640, 640] and [640, 640, 1, 1]. */
function withShape(node: NodeOf<"weight">, shape: readonly number[]): NodeOf<"weight"> {
  const name = `${node.parameters.name} [${shape.join(", ")}]`;
  return { ...node, shape, parameters: { ...node.parameters, name, shape } };
}
