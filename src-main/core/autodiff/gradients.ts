/** Reverse mode: the gradient of a loss as more graph. */
import { assert, FacetError } from "../errors.ts";
import { add, concat, constant } from "../graph/build/index.ts";
import { type Dimension, plus, sameDimension } from "../graph/dimension.ts";
import { isFloat } from "../graph/infer/rule.ts";
import type { Node, NodeOf } from "../graph/node.ts";
import type { Operator } from "../graph/operators.ts";
import { inOrder } from "../graph/order.ts";
import { shapeText, sizeOf } from "../graph/shape.ts";
import type { Differentiation } from "./rule.ts";
import { gradientRules } from "./rules/index.ts";
import { type Recomputation, recomputation, type Segment } from "./segments.ts";
import { unbroadcast } from "./unbroadcast.ts";

export type { Segment } from "./segments.ts";

/** What one user of a node adds to its gradient, built when the sum is. */
interface Contribution {
  readonly user: Node;
  /** The gradient in the user. */
  readonly gradient: Node;
  readonly value: () => Node;
}

/**
 * One gradient for each parameter (any node will do), of its shape and type; zeros where the loss does not depend on
 * it. Only what leads to a parameter is differentiated.
 */
export function gradients(
  loss: Node,
  parameters: readonly Node[],
  { segments = [] }: { readonly segments?: readonly Segment[] } = {},
): Node[] {
  checkLoss(loss);
  for (const parameter of parameters) checkParameter(parameter);
  const order = inOrder([loss]);
  const leading = leadingTo(new Set(parameters), order);
  const recompute = recomputation(order, segments);
  const arriving = new Map<Node, Contribution[]>();
  const gradientOf = new Map<Node, Node>();
  if (leading.has(loss)) gradientOf.set(loss, constant(1, loss.shape, loss.dtype));
  // Every user of a node stands behind it, so that its gradient is complete when its turn comes.
  for (const node of order.toReversed()) {
    const gradient = gradientOf.get(node) ?? sumOf(node, arriving.get(node) ?? []);
    if (gradient === undefined) continue;
    gradientOf.set(node, gradient);
    contribute(node, gradient, recompute, (operand, value) => {
      if (!leading.has(operand)) return;
      const contributions = arriving.get(operand) ?? [];
      contributions.push({ user: node, gradient, value });
      arriving.set(operand, contributions);
    });
  }
  return parameters.map(
    (parameter) => gradientOf.get(parameter) ?? constant(0, parameter.shape, parameter.dtype),
  );
}

function contribute<O extends Operator>(
  node: NodeOf<O>,
  gradient: Node,
  recompute: Recomputation,
  give: (operand: Node, value: () => Node) => void,
): void {
  const rule: Differentiation<O> = gradientRules[node.operator];
  if (typeof rule !== "function") return;
  // As in `make`: the compiler cannot see that this is a member of the union.
  const user = node as Node;
  const inputs = node.inputs.map((operand) => recompute(user, gradient, operand));
  const input = (index: number): Node => {
    const operand = inputs[index];
    assert(operand !== undefined, `${node.operator} has no operand ${index}`);
    return operand;
  };
  const output = recompute(user, gradient, user);
  rule({ parameters: node.parameters, inputs, input, output, gradient }).forEach(
    (formula, index) => {
      const operand = node.inputs[index];
      if (formula && operand) give(operand, () => unbroadcast(formula(), operand.shape));
    },
  );
}

/** Parameters and the floating-point values that are differentiably made of them. */
function leadingTo(parameters: ReadonlySet<Node>, order: readonly Node[]): Set<Node> {
  const leading = new Set<Node>();
  for (const node of order) {
    const passes = isFloat(node.dtype) && typeof gradientRules[node.operator] === "function";
    if (parameters.has(node) || (passes && node.inputs.some((operand) => leading.has(operand)))) {
      leading.add(node);
    }
  }
  return leading;
}

function sumOf(node: Node, contributions: readonly Contribution[]): Node | undefined {
  const [first, ...others] = contributions;
  if (first === undefined) return undefined;
  return (
    joined(node, contributions) ??
    others.reduce((sum, { value }) => add(sum, value()), first.value())
  );
}

/** The gradients of slices that cover a value exactly are its gradient, side by side: no zeros are added to them. */
function joined(node: Node, contributions: readonly Contribution[]): Node | undefined {
  const parts = new Map<string, { length: Dimension; gradient: Node }>();
  const axes = new Set<number>();
  for (const { user, gradient } of contributions) {
    if (user.operator !== "slice" || user.parameters.step !== 1) return undefined;
    const { axis, start, length } = user.parameters;
    parts.set(shapeText([start]), { length, gradient });
    axes.add(axis);
  }
  const [axis, ...otherAxes] = axes;
  if (axis === undefined || otherAxes.length > 0 || parts.size < contributions.length) {
    return undefined;
  }
  let end: Dimension = 0;
  const gradients: Node[] = [];
  for (let part = parts.get("[0]"); part !== undefined; part = parts.get(shapeText([end]))) {
    if (gradients.length === parts.size) return undefined;
    gradients.push(part.gradient);
    end = plus(end, part.length);
  }
  const whole = gradients.length === parts.size && sameDimension(end, node.shape[axis] ?? 0);
  return whole ? concat(gradients, axis) : undefined;
}

function checkLoss({ operator, dtype, shape }: Node): void {
  if (sizeOf(shape) !== 1) {
    throw new FacetError(
      "shape-mismatch",
      `The loss is ${operator} of shape ${shapeText(shape)} and not one number: reduce it by sum or mean.`,
      { field: operator },
    );
  }
  if (isFloat(dtype)) return;
  const rule = gradientRules[operator];
  const why = typeof rule === "function" ? "" : `: ${rule.because}`;
  throw new FacetError(
    "shape-mismatch",
    `The loss is ${operator} of type ${dtype}, which has no gradient${why}.`,
    {
      field: operator,
    },
  );
}

function checkParameter({ operator, dtype, shape }: Node): void {
  if (isFloat(dtype)) return;
  throw new FacetError(
    "shape-mismatch",
    `A parameter is ${operator} of ${dtype} ${shapeText(shape)}, and only floating-point values have gradients.`,
    { field: operator },
  );
}
