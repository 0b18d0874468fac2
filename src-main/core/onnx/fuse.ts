/** Finds nodes that the runtime computes together in one pass: additions to channels and to products, and what follows a normalisation. */
import { sameDimension } from "../graph/dimension.ts";
import type { Graph, Node, NodeOf } from "../graph/node.ts";
import { sameShape, sizeOf } from "../graph/shape.ts";
import type { Target } from "./target.ts";

/** A node whose operator takes more operands than the graph says. */
export interface Fused {
  readonly node: Node;
  /** One number for each place of an axis, in any shape; beside a product all that it is added to. */
  readonly beside: readonly Node[];
}

export interface Fusions {
  /** By the last node of what is computed together. */
  readonly fused: ReadonlyMap<Node, Fused>;
  /** The nodes before the last. */
  readonly within: ReadonlySet<Node>;
}

export function fusions(
  outputs: Graph["outputs"],
  order: readonly Node[],
  target: Target,
): Fusions {
  const uses = new Map<Node, number>();
  const count = (node: Node) => uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const node of order) node.inputs.forEach(count);
  for (const node of outputs.values()) count(node);

  const fused = new Map<Node, Fused>();
  const within = new Set<Node>();
  for (const node of order) {
    // The CPU computes halves in F32 and rounds between: there nothing is gained.
    if (target.provider === "cpu" && node.dtype !== "F32") continue;
    for (const [before, other] of operandPairs(node)) {
      const whole = uses.get(before) === 1 ? joined(node, before, other, fused, target) : undefined;
      if (whole === undefined) continue;
      fused.delete(before);
      fused.set(node, whole);
      within.add(before);
      break;
    }
  }
  return { fused, within };
}

/** The operands of a sum or product, each first once. */
function operandPairs({ operator, inputs }: Node): (readonly [Node, Node])[] {
  const [left, right] = inputs;
  if (left === undefined || right === undefined || left === right) return [];
  if (operator !== "add" && operator !== "multiply") return [];
  return [
    [left, right],
    [right, left],
  ];
}

function joined(
  node: Node,
  before: Node,
  other: Node,
  fused: ReadonlyMap<Node, Fused>,
  { provider }: Target,
): Fused | undefined {
  if (before.operator === "matmul") {
    return provider === "cpu" && node.operator === "add" && isLowRank(before, other)
      ? { node: before, beside: [other] }
      : undefined;
  }
  if (node.operator === "multiply") {
    return before.operator === "normalize" && liesAlong(other, before, -1)
      ? { node: before, beside: [other] }
      : undefined;
  }
  if (before.operator === "convolve" || before.operator === "convolveTransposed") {
    return liesAlong(other, before, 1) ? { node: before, beside: [other] } : undefined;
  }
  const scaled = fused.get(before);
  return scaled?.node.operator === "normalize" &&
    scaled.beside.length === 1 &&
    liesAlong(other, before, -1)
    ? { node: scaled.node, beside: [...scaled.beside, other] }
    : undefined;
}

/**
 * Whether it is a product of matrices over so few numbers, perhaps none, that writing it down and adding it takes as
 * long as computing it: one over a rank that a run chooses, added to a value of its shape.
 */
function isLowRank(product: NodeOf<"matmul">, other: Node): boolean {
  const [left] = product.inputs;
  const rank = left?.shape.at(product.parameters.transposeLeft ? -2 : -1);
  return (
    typeof rank === "object" && product.shape.length === 2 && sameShape(other.shape, product.shape)
  );
}

/** Whether a value has one number for each place of one axis of another, and is broadcast along the others. */
function liesAlong(value: Node, { shape }: Node, axis: number): boolean {
  const size = shape.at(axis);
  const fromEnd = axis < 0 ? axis : axis - shape.length;
  const own = value.shape.at(fromEnd);
  return (
    typeof size === "number" &&
    own !== undefined &&
    value.shape.length >= -fromEnd &&
    value.shape.length <= shape.length &&
    sameDimension(own, size) &&
    sizeOf(value.shape) === size
  );
}
