/** Graphs computed in plain float64 loops: the reference that every other way of computing one is held against. */
import { assert } from "../../../src-main/core/errors.ts";
import { type Dimension, evaluateDimension } from "../../../src-main/core/graph/dimension.ts";
import type { Node, NodeOf } from "../../../src-main/core/graph/node.ts";
import type { Operator } from "../../../src-main/core/graph/operators.ts";
import { inOrder } from "../../../src-main/core/graph/order.ts";
import { evaluateShape } from "../../../src-main/core/graph/shape.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { contraction } from "./contraction.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { layout } from "./layout.ts";
import { leaves } from "./leaves.ts";
import { solveSymbols } from "./symbols.ts";
import { reduction } from "./reduction.ts";
import type { EvaluateRule } from "./rule.ts";
import type { Tensor64 } from "./tensor.ts";

const rules: { readonly [O in Operator]: EvaluateRule<O> } = {
  ...leaves,
  ...elementwise,
  ...contraction,
  ...reduction,
  ...layout,
  ...indexing,
};

export type Feeds = Readonly<Record<string, Tensor64>>;

/** The values of nodes under values of the inputs, which also give the symbols their sizes. */
export function evaluate(outputs: readonly Node[], feeds: Feeds): Tensor64[] {
  const order = inOrder(outputs);
  const sizes = solveSymbols(
    order.flatMap((node) =>
      node.operator === "input"
        ? [{ shape: node.shape, sizes: fedOf(feeds, node.parameters.name).shape }]
        : [],
    ),
  );
  const known = new Map<Node, Tensor64>();
  const valueOf = (node: Node): Tensor64 => {
    const value = known.get(node);
    assert(value !== undefined, `${node.operator} has no value`);
    return value;
  };
  for (const node of order) known.set(node, compute(node, node.inputs.map(valueOf), feeds, sizes));
  return outputs.map(valueOf);
}

function compute<O extends Operator>(
  node: NodeOf<O>,
  inputs: readonly Tensor64[],
  feeds: Feeds,
  sizes: ReadonlyMap<string, number>,
): Tensor64 {
  const rule: EvaluateRule<O> = rules[node.operator];
  const shape = evaluateShape(node.shape, sizes);
  const values = rule({
    parameters: node.parameters,
    inputs,
    input: (index) => {
      const input = inputs[index];
      assert(input !== undefined, `${node.operator} has no operand ${index}`);
      return input;
    },
    shape,
    size: (dimension: Dimension) => evaluateDimension(dimension, sizes),
    fed: (name) => fedOf(feeds, name),
  });
  assert(values.length === elementCount(shape), `${node.operator} gave ${values.length} values`);
  return { shape, values };
}

function fedOf(feeds: Feeds, name: string): Tensor64 {
  const fed = feeds[name];
  assert(fed !== undefined, `input ${name} is not fed`);
  return fed;
}
