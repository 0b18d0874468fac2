/** Recomputed segments: the same gradients, fewer values kept for the backward pass. */
import { expect, it } from "vitest";
import { gradients, type Segment } from "../../../../src-main/core/autodiff/gradients.ts";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import * as layers from "../../../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { inOrder } from "../../../../src-main/core/graph/order.ts";
import { shareCommon } from "../../../../src-main/core/graph/share.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { Draw } from "../../../support/operators/draw.ts";
import { evaluate } from "../../../support/evaluate/evaluate.ts";
import { floatInputs, gradientError } from "../../../support/evaluate/gradcheck.ts";

interface Network {
  readonly loss: Node;
  readonly inputs: ReturnType<typeof floatInputs>;
  readonly segments: readonly Segment[];
}

/** A chain of blocks, each a segment, with a context that all share and a skip from the first to the last. */
function chain(draw: Draw, depth: number): Network {
  const parameters: layers.Parameters = (_, shape) => draw.input(shape, "F32");
  const n = draw.dimension();
  const context = draw.input([n, 2, 3], "F32");
  const segments: Segment[] = [];
  let tokens = draw.input([n, draw.dimension(), 4], "F32");
  const first = tokens;
  for (let index = 0; index < depth; index++) {
    const given = tokens;
    tokens = layers.transformerBlock(parameters, tokens, { heads: 2, context });
    segments.push({ inputs: [given, context], outputs: [tokens] });
  }
  const loss = build.mean(build.square(build.add(tokens, build.exp(first))));
  return { loss: build.reshape(loss, []), inputs: floatInputs(loss), segments };
}

/** Computed values of the forward pass that something of the backward pass uses. */
function kept(loss: Node, found: readonly Node[]): Node[] {
  const { outputs } = shareCommon(
    graphOf({ loss, ...Object.fromEntries(found.map((node, at) => [`g${at}`, node])) }),
  );
  const [shared, ...gradientsOf] = outputs.values();
  const forward = new Set(shared ? inOrder([shared]) : []);
  const backward = inOrder(gradientsOf).filter((node) => !forward.has(node));
  const used = new Set(backward.flatMap(({ inputs }) => inputs));
  return [...forward].filter((node) => used.has(node) && node.inputs.length > 0);
}

it("gives the gradients that it gives without segments, bit for bit", () => {
  for (let round = 0; round < 4; round++) {
    const draw = new Draw(round, round % 2 === 1);
    const { loss, inputs, segments } = chain(draw, 2);
    const feeds = draw.feeds(0).reference;
    const plain = evaluate([loss, ...gradients(loss, inputs)], feeds);
    const recomputed = evaluate([loss, ...gradients(loss, inputs, { segments })], feeds);
    expect(recomputed).toEqual(plain);
    expect(gradientError(loss, inputs, feeds, draw.random, segments)).toBeLessThan(1e-7);
  }
});

it("keeps what segments are given and give, and nothing between, also when common nodes are shared", () => {
  const { loss, inputs, segments } = chain(new Draw(1, true), 3);
  const found = gradients(loss, inputs, { segments });
  verifyGraph(graphOf({ loss, ...Object.fromEntries(found.map((node, at) => [`g${at}`, node])) }));
  const without = kept(loss, gradients(loss, inputs));
  const left = kept(loss, found);
  expect(without.length).toBeGreaterThan(60);
  // What two blocks give to the next, what the loss squares, and its own exp.
  expect(left.map(({ operator }) => operator)).toEqual(["add", "add", "exp", "add"]);
});

it("begins each copy behind the gradient that arrives", () => {
  const { loss, inputs, segments } = chain(new Draw(2, false), 2);
  const found = inOrder(gradients(loss, inputs, { segments }));
  const original = new Set(inOrder([loss]));
  const waits = found.filter(({ operator }) => operator === "after");
  expect(waits.length).toBeGreaterThanOrEqual(2);
  for (const {
    inputs: [value, gradient],
  } of waits) {
    expect(value && original.has(value)).toBe(true);
    expect(gradient && original.has(gradient)).toBe(false);
  }
});

it("leaves values that are used elsewhere too, and segments with several outputs", () => {
  const draw = new Draw(3, false);
  const x = draw.input([2, 3], "F32");
  const inner = build.tanh(build.multiply(x, x));
  const first = build.sin(inner);
  const second = build.exp(build.multiply(first, build.sigmoid(inner)));
  const segments = [{ inputs: [x], outputs: [first, second] }];
  const loss = build.reshape(build.sum(build.multiply(build.add(first, second), inner)), []);
  const feeds = draw.feeds(0).reference;
  expect(gradientError(loss, floatInputs(loss), feeds, draw.random, segments)).toBeLessThan(1e-7);
});

it("refuses segments that overlap", () => {
  const x = build.input("x", [3]);
  const inner = build.sin(x);
  const middle = build.cos(inner);
  const outer = build.tanh(middle);
  const segments = [
    { inputs: [x], outputs: [middle] },
    { inputs: [inner], outputs: [outer] },
  ];
  expect(() => gradients(build.sum(outer), [x], { segments })).toThrow(
    "cos is part of two segments",
  );
});
