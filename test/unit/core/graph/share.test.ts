/** Sharing: what computes the same is computed once, what waits is not merged, and no value changes. */
import { expect, it } from "vitest";
import { gradients } from "../../../../src-main/core/autodiff/gradients.ts";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import * as layers from "../../../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { inOrder } from "../../../../src-main/core/graph/order.ts";
import { printGraph } from "../../../../src-main/core/graph/print.ts";
import { shareCommon } from "../../../../src-main/core/graph/share.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { Draw } from "../../../support/operators/draw.ts";
import { evaluate } from "../../../support/evaluate/evaluate.ts";
import { floatInputs } from "../../../support/evaluate/gradcheck.ts";

const { input } = build;
const x = input("x", [2, 3]);

function count(outputs: Record<string, Node>): number {
  return inOrder(shareCommon(graphOf(outputs)).outputs.values()).length;
}

it("makes one node of equal ones, through whole expressions", () => {
  const expression = () => build.tanh(build.add(build.sin(x), 1));
  expect(count({ a: build.multiply(expression(), expression()) })).toBe(6);
  expect(count({ a: expression(), b: expression() })).toBe(5);
  // Inputs are equal by name, type and shape.
  expect(count({ a: build.add(x, input("x", [2, 3])) })).toBe(2);
});

it("keeps apart what differs in an operand, a parameter, a type or a shape", () => {
  const differing: [Node, Node][] = [
    [build.sin(x), build.cos(x)],
    [build.sum(x, [0]), build.sum(x, [1])],
    [build.subtract(x, 1), build.subtract(1, x)],
    [build.scalar(0), build.scalar(-0)],
    [build.scalar(1), build.scalar(1, "F16")],
    [build.constant(0, [2]), build.constant(0, [3])],
    [build.reshape(x, [6]), build.reshape(x, [3, 2])],
  ];
  for (const [one, other] of differing) {
    const { outputs } = shareCommon(graphOf({ one, other }));
    expect(outputs.get("one")).not.toBe(outputs.get("other"));
  }
});

it("tells arrays of constants apart by identity, and weights by name", () => {
  const [values, same] = [new Float32Array(4), new Float32Array(4)];
  expect(count({ a: build.constant(values, [4]), b: build.constant(values, [4]) })).toBe(1);
  expect(count({ a: build.constant(values, [4]), b: build.constant(same, [4]) })).toBe(2);
  expect(count({ a: build.constant(values, [4]), b: build.constant(values, [2, 2]) })).toBe(2);
  const weight = (name: string) =>
    build.weight(name, [1], { kind: "bytes", bytes: Uint8Array.of(0, 0, 0, 0) });
  expect(count({ a: weight("w"), b: weight("w") })).toBe(1);
  expect(count({ a: weight("w"), b: weight("v") })).toBe(2);
});

it("leaves what waits for something apart from what does not", () => {
  const value = build.exp(x);
  const again = build.exp(build.after(x, build.sum(value)));
  expect(count({ value, again })).toBe(5);
});

it("keeps names, drops what no output needs, and does nothing the second time", () => {
  build.tanh(x);
  const graph = shareCommon(graphOf({ a: build.sin(x), b: build.sin(x), c: x }));
  expect([...graph.outputs.keys()]).toEqual(["a", "b", "c"]);
  expect(graph.outputs.get("a")).toBe(graph.outputs.get("b"));
  const again = shareCommon(graph);
  expect([...again.outputs.values()]).toEqual([...graph.outputs.values()]);
  expect(printGraph(again)).toBe(printGraph(graph));
});

it("changes no value of a training step's gradients, and makes them fewer nodes", () => {
  const draw = new Draw(5, true);
  const y = layers.transformerBlock(
    (_, shape) => draw.input(shape, "F32"),
    draw.input([2, 3, 4], "F32"),
    {
      heads: 2,
      context: draw.input([2, draw.dimension(), 3], "F32"),
    },
  );
  const loss = build.mean(build.square(y));
  const outputs = [loss, ...gradients(loss, floatInputs(loss))];
  const graph = graphOf(Object.fromEntries(outputs.map((node, at) => [String(at), node])));
  const shared = shareCommon(graph);
  verifyGraph(shared);
  const feeds = draw.feeds(0).reference;
  expect(evaluate([...shared.outputs.values()], feeds)).toEqual(
    evaluate([...graph.outputs.values()], feeds),
  );
  const [before, after] = [graph, shared].map((each) => inOrder(each.outputs.values()).length);
  expect(after).toBeLessThan(before ?? 0);
});
