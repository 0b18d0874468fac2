/** The verifier passes what builders make and finds planted faults, with the node's number. */
import { describe, expect, it } from "vitest";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import { type Graph, graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { Draw } from "../../../support/operators/draw.ts";
import { operatorCases } from "../../../support/operators/operator-cases.ts";

const { input } = build;
const x = input("x", ["batch", 3]);
const y = input("y", ["batch", 4]);

it("passes every operator", () => {
  for (const [operator, draw] of Object.entries(operatorCases)) {
    const dtype = /^(and|not)$/.test(operator) ? "BOOL" : operator === "oneHot" ? "I64" : "F32";
    verifyGraph(graphOf({ result: draw(new Draw(11, true), dtype) }));
  }
});

describe("finds", () => {
  const bytes = new Uint8Array(8);
  const file = (offset: number) =>
    build.weight("w", [2], { kind: "file", path: "/one", offset, length: 8 });
  const faults: Record<string, [Graph, string, string]> = {
    "a shape that is not the operator's": [
      graphOf({ result: build.sin({ ...build.tanh(x), shape: [7] }) }),
      "shape-mismatch",
      "%1 = tanh says F32 [7] and gives F32 [batch, 3].",
    ],
    "a type that is not the operator's": [
      graphOf({ result: build.sin({ ...build.tanh(x), dtype: "F16" }) }),
      "shape-mismatch",
      "%1 = tanh says F16 [batch, 3] and gives F32 [batch, 3].",
    ],
    "operands that do not fit": [
      graphOf({ result: { ...build.add(x, x), inputs: [x, y] } }),
      "shape-mismatch",
      "%2 = add(F32 [batch, 3], F32 [batch, 4]): [batch, 3] and [batch, 4] do not broadcast.",
    ],
    "operands that are missing": [
      graphOf({ result: { ...build.add(x, x), inputs: [x] } }),
      "shape-mismatch",
      "%1 = add(F32 [batch, 3]): takes 2 operands and got 1.",
    ],
    "parameters that do not fit": [
      graphOf({ result: withAxes(build.sum(x, [1]), [4]) }),
      "shape-mismatch",
      "%1 = sum(F32 [batch, 3]): axis 4 is none of 2.",
    ],
    "an input of two shapes": [
      graphOf({ one: x, other: input("x", [5]) }),
      "malformed",
      "Two inputs are called x: F32 [batch, 3] and F32 [5].",
    ],
    "a weight of two types": [
      graphOf({
        one: build.weight("w", [2], { kind: "bytes", bytes }),
        other: build.weight("w", [4], { kind: "bytes", bytes }, "F16"),
      }),
      "malformed",
      "Two weights are called w: F32 [2] and F16 [4].",
    ],
    "a weight of two places": [
      graphOf({ one: file(8), other: file(16) }),
      "malformed",
      "Two weights are called w and lie in different places.",
    ],
    "a weight of other bytes": [
      graphOf({
        one: build.weight("w", [2], { kind: "bytes", bytes }),
        other: build.weight("w", [2], { kind: "bytes", bytes: new Uint8Array(8) }),
      }),
      "malformed",
      "Two weights are called w and lie in different places.",
    ],
  };

  it.each(Object.entries(faults))("%s", (_, [graph, code, message]) => {
    expect(() => verifyGraph(graph)).toThrow(expect.objectContaining({ code, message }));
  });
});

it("takes an input or a weight that stands in the graph twice", () => {
  const bytes = new Uint8Array(8);
  const weight = () => build.weight("w", [2], { kind: "bytes", bytes });
  verifyGraph(graphOf({ a: weight(), b: weight(), c: input("x", ["batch", 3]), d: x }));
});

function withAxes(node: Node, axes: readonly number[]): Node {
  return node.operator === "sum" ? { ...node, parameters: { axes } } : node;
}
