/** What a run of a graph will hold at once, before it runs: weights, inputs, outputs and the largest set of live values. */
import { byteSize } from "../tensor/dtype.ts";
import { evaluateDimension } from "./dimension.ts";
import type { Graph, Node } from "./node.ts";
import type { GraphDType, Operator } from "./operators.ts";
import { inOrder } from "./order.ts";
import { evaluateShape, sizeOf } from "./shape.ts";

/** Bytes. */
export interface MemoryEstimate {
  /** Weights and constants, as the session keeps them. */
  readonly weights: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Values between inputs and outputs that exist at the same time, at the worst moment, with what the runtime adds. */
  readonly live: number;
  readonly total: number;
  /** The node at that moment: `matmul F32 [16, 128, 2048]`. */
  readonly at: string;
}

export interface MemoryOptions {
  /** Values of the graph's symbols. */
  readonly sizes?: ReadonlyMap<string, number>;
  /** Where halves are computed as F32 (the CPU provider on x64), they are also kept as F32. */
  readonly wideHalves?: boolean;
}

const leaves: ReadonlySet<Operator> = new Set<Operator>(["input", "constant", "weight"]);

/** Results that lie in their operand's memory. */
const views: ReadonlySet<Operator> = new Set<Operator>(["reshape", "after"]);

/** Operators that ONNX Runtime lets write over an operand of the same size that nothing reads afterwards. */
const inPlace: ReadonlySet<Operator> = new Set<Operator>([
  "negate",
  "exp",
  "log",
  "sqrt",
  "tanh",
  "sigmoid",
  "absolute",
  "relu",
  "add",
  "subtract",
  "multiply",
  "divide",
]);

/**
 * The runtime orders nodes in its own way, needs scratch for some, and its memory comes in pieces that do not fit each
 * other: a chain of products took exactly the values that must live at once, training steps of an autoencoder, a
 * transformer and a UNet 1.2, 1.6 and 2.7 times as much (ONNX Runtime 1.30, CPU, arena without patterns). In between,
 * since a refusal in error is final and an end for want of memory is recognised.
 */
const runtimeShare = 1.5;

/** The last estimate of each graph: a model's UNet is asked for at every picture, and mostly at the sizes of the one before. */
const lastEstimates = new WeakMap<
  Graph,
  { readonly key: string; readonly estimate: MemoryEstimate }
>();

/**
 * An estimate by liveness over the order of nodes: a value is held from the node that makes it to the last that reads
 * it. Made to refuse what cannot fit, not to fill memory to its last byte.
 */
export function estimateMemory(graph: Graph, options: MemoryOptions = {}): MemoryEstimate {
  const key = JSON.stringify([options.wideHalves, ...(options.sizes ?? [])]);
  const last = lastEstimates.get(graph);
  if (last?.key === key) return last.estimate;
  const estimate = estimated(graph, options);
  lastEstimates.set(graph, { key, estimate });
  return estimate;
}

function estimated(graph: Graph, options: MemoryOptions): MemoryEstimate {
  const sizes = options.sizes ?? new Map<string, number>();
  const bytesOf = ({ dtype, shape }: Pick<Node, "dtype" | "shape">) =>
    evaluateDimension(sizeOf(shape), sizes) * elementBytes(dtype, options.wideHalves === true);
  const order = inOrder(graph.outputs.values());
  const results = new Set(graph.outputs.values());
  const owners = new Map<Node, Node>();
  const ownerOf = (node: Node) => owners.get(node) ?? node;
  const fixed = new Set<Node>();
  const lastUse = new Map<Node, number>();
  const named = new Set<string>();
  let [weights, inputs] = [0, 0];

  order.forEach((node, index) => {
    const [first] = node.inputs;
    if (first !== undefined && views.has(node.operator)) owners.set(node, ownerOf(first));
    for (const operand of node.inputs) lastUse.set(ownerOf(operand), index);
    if (!leaves.has(node.operator) && !results.has(node)) return;
    fixed.add(node);
    if (!leaves.has(node.operator)) return;
    if ("name" in node.parameters) {
      // Two nodes of one name are one value.
      const name = `${node.operator} ${node.parameters.name}`;
      if (named.has(name)) return;
      named.add(name);
    }
    if (node.operator === "input") inputs += bytesOf(node);
    else weights += bytesOf(node);
  });

  const held = new Map<Node, number>();
  let [now, live, at] = [0, 0, "nothing"];
  order.forEach((node, index) => {
    const made = ownerOf(node) === node && !fixed.has(node) ? bytesOf(node) : 0;
    const reused = made === 0 ? undefined : reusedBy(node, made, index);
    if (reused !== undefined) held.delete(reused);
    else now += made;
    if (made > 0) held.set(node, made);
    const moment = now + scratchOf(node, bytesOf, sizes);
    if (moment > live) [live, at] = [moment, describe(node, sizes)];
    for (const operand of node.inputs) {
      const owner = ownerOf(operand);
      const bytes = held.get(owner);
      if (bytes === undefined || lastUse.get(owner) !== index) continue;
      held.delete(owner);
      now -= bytes;
    }
  });

  /** The operand that an operator in place may write over. */
  function reusedBy(node: Node, made: number, index: number): Node | undefined {
    if (!inPlace.has(node.operator)) return undefined;
    return node.inputs
      .map(ownerOf)
      .find((owner) => held.get(owner) === made && lastUse.get(owner) === index);
  }

  const outputs = [...graph.outputs.values()].reduce((sum, node) => sum + bytesOf(node), 0);
  live *= runtimeShare;
  return { weights, inputs, outputs, live, total: weights + inputs + outputs + live, at };
}

function elementBytes(dtype: GraphDType, wideHalves: boolean): number {
  return wideHalves && (dtype === "F16" || dtype === "BF16") ? 4 : byteSize(dtype);
}

/** What an operator needs while it computes, besides operands and result. */
function scratchOf(
  node: Node,
  bytesOf: (value: Pick<Node, "dtype" | "shape">) => number,
  sizes: ReadonlyMap<string, number>,
): number {
  const [left, right] = node.inputs;
  if (left === undefined || right === undefined) return 0;
  if (node.operator === "attention") {
    // Scores, [..., queries, keys]: their softmax is written over them (16,384 tokens took 1.15 GB, not 2.2).
    const keys = right.shape.at(-2) ?? 1;
    return bytesOf({ dtype: node.dtype, shape: [...left.shape.slice(0, -1), keys] });
  }
  if (node.operator === "convolve" || node.operator === "convolveTransposed") {
    // The CPU provider lays one picture's windows out as a matrix where there are more filters than pixels.
    const [filters = 1, ...window] = evaluateShape(right.shape, sizes);
    const pixels = evaluateDimension(sizeOf(node.shape.slice(2)), sizes);
    const inner = window.reduce((product, size) => product * size, 1);
    return filters > pixels ? inner * pixels * 4 : 0;
  }
  return 0;
}

function describe(node: Node, sizes: ReadonlyMap<string, number>): string {
  return `${node.operator} ${node.dtype} [${evaluateShape(node.shape, sizes).join(", ")}]`;
}
