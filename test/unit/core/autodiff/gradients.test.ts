/** What is built for a gradient, what is refused, and what happens where values meet or have kinks. */
import { describe, expect, it } from "vitest";
import { gradients } from "../../../../src-main/core/autodiff/gradients.ts";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import * as layers from "../../../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { inOrder } from "../../../../src-main/core/graph/order.ts";
import { printGraph } from "../../../../src-main/core/graph/print.ts";
import { shareCommon } from "../../../../src-main/core/graph/share.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { evaluate } from "../../../support/evaluate/evaluate.ts";
import { tensor64 } from "../../../support/evaluate/tensor.ts";

const { input, sum, multiply } = build;

/** Gradients of the sum of a function of vectors, as numbers. */
function slopes(make: (...inputs: Node[]) => Node, ...values: number[][]): number[][] {
  const names = values.map((_, at) => `x${at}`);
  const inputs = names.map((name, at) => input(name, [values[at]?.length ?? 0]));
  const feeds = Object.fromEntries(
    names.map((name, at) => [name, tensor64([values[at]?.length ?? 0], values[at] ?? [])]),
  );
  const found = evaluate(gradients(sum(make(...inputs)), inputs), feeds);
  return found.map(({ values: each }) => Array.from(each, (value) => value + 0));
}

const operators = (nodes: readonly Node[]) => inOrder(nodes).map(({ operator }) => operator);

describe("at kinks and ties, as torch", () => {
  it("halves between equal operands of minimum and maximum", () => {
    const [x, y] = [
      [1, 2, 3],
      [2, 2, 2],
    ];
    expect(slopes(build.maximum, x, y)).toEqual([
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]);
    expect(slopes(build.minimum, x, y)).toEqual([
      [1, 0.5, 0],
      [0, 0.5, 1],
    ]);
  });

  it("shares equally among the largest", () => {
    expect(slopes((x) => build.largest(x), [3, 1, 3, 2, 3, 3])).toEqual([
      [0.25, 0, 0.25, 0, 0.25, 0.25],
    ]);
  });

  it("is 0 at 0 for relu and the absolute value", () => {
    expect(slopes(build.relu, [-1, 0, 2])).toEqual([[0, 0, 1]]);
    expect(slopes(build.absolute, [-1, 0, 2])).toEqual([[-1, 0, 1]]);
  });

  it("is finite for powers of 0 and exponents of 0", () => {
    expect(slopes(build.power, [0, 0, 0, 2, -3], [2, 1, 0, 0, 2])).toEqual([
      [0, 1, 0, 0, -6],
      [0, 0, 0, Math.log(2), Number.NaN],
    ]);
    expect(slopes((x) => build.power(x, 2), [0, -3])).toEqual([[0, -6]]);
    expect(slopes((x) => build.power(x, 3), [0, -3])).toEqual([[0, 27]]);
    expect(slopes((x) => build.power(x, 0), [0, -3])).toEqual([[0, 0]]);
  });

  it("passes a gradient on only where it was taken, so that no NaN leaks through the other branch", () => {
    const safe = (x: Node) => build.where(build.less(0, x), build.log(build.maximum(x, 1e-9)), 0);
    expect(slopes(safe, [-1, 0, 2])).toEqual([[0, 0, 0.5]]);
  });
});

describe("what is built", () => {
  const x = input("x", ["batch", 3]);

  it("gives zeros for what the loss does not depend on, or only by steps", () => {
    const [far, apart] = [input("far", [2, "width"], "F16"), input("apart", [3])];
    const steps = build.cast(build.less(x, apart), "F32");
    const found = gradients(sum(multiply(x, steps)), [far, apart]);
    expect(printGraph(graphOf({ far: found[0] ?? x, apart: found[1] ?? x }))).toBe(
      [
        "%0 = constant() {0} : F16 [2, width]",
        "%1 = constant() {0} : F32 [3]",
        "far = %0",
        "apart = %1",
      ].join("\n"),
    );
  });

  it("prints the same graph for the same loss", () => {
    const w = input("w", [2, 3]);
    const loss = build.mean(build.square(build.matmul(x, w, { transposeRight: true })), [0, 1]);
    const [gradient = w] = gradients(loss, [w]);
    expect(printGraph(shareCommon(graphOf({ gradient })))).toMatchInlineSnapshot(`
      "%0 = constant() {1} : F32 [1, 1]
      %1 = constant() {0.5} : F32 []
      %2 = constant() {1} : F32 [batch]
      %3 = sum(%2) {axes [0]} : F32 [1]
      %4 = reshape(%3) : F32 []
      %5 = divide(%1, %4) : F32 []
      %6 = multiply(%0, %5) : F32 [1, 1]
      %7 = expand(%6) : F32 [batch, 2]
      %8 = input() {x} : F32 [batch, 3]
      %9 = input() {w} : F32 [2, 3]
      %10 = matmul(%8, %9) {transposeRight} : F32 [batch, 2]
      %11 = multiply(%7, %10) : F32 [batch, 2]
      %12 = add(%11, %11) : F32 [batch, 2]
      %13 = matmul(%12, %8) {transposeLeft} : F32 [2, 3]
      gradient = %13"
    `);
  });

  it("differentiates nothing that leads to no parameter", () => {
    const { parameters, trained } = layers.trainedParameters();
    const frozen = input("frozen", [4, 3, 3, 3]);
    const image = input("image", ["batch", 3, "height", "width"]);
    const features = build.relu(build.convolve(build.exp(image), frozen, { padding: 1 }));
    const pooled = build.reshape(build.mean(features, [2, 3]), [image.shape[0] ?? 1, 4]);
    const loss = sum(layers.linear(parameters, pooled, 2));
    const nodes = Array.from(trained.values(), ({ node }) => node);
    const before = new Set(inOrder([loss]));
    const added = inOrder(gradients(loss, nodes)).filter((node) => !before.has(node));
    const kinds = new Set(operators(added).filter((kind) => kind !== "constant"));
    for (const kind of ["convolveTransposed", "concat", "where"]) expect(kinds).not.toContain(kind);
    expect(added.filter(({ operator }) => operator === "matmul")).toHaveLength(1);
  });

  it("takes gradients in values inside the graph, and passes through them", () => {
    const w = input("w", [3]);
    const inner = multiply(x, w);
    const [ofInner = x, ofW = x] = gradients(sum(build.square(inner)), [inner, w]);
    const feeds = { x: tensor64([1, 3], [1, 2, 3]), w: tensor64([3], [1, 1, 2]) };
    const [first, second] = evaluate([ofInner, ofW], feeds);
    expect([...(first?.values ?? [])]).toEqual([2, 4, 12]);
    expect([...(second?.values ?? [])]).toEqual([2, 8, 36]);
  });

  it("gives the loss's own gradient as 1", () => {
    const loss = sum(x);
    const [one] = evaluate(gradients(loss, [loss]), {});
    expect([...(one?.values ?? [])]).toEqual([1]);
  });

  it("puts the gradients of slices that cover a value side by side", () => {
    const parts = [1, 0, 2].map((at) => build.slice(x, 1, at, at + 1));
    const joined = gradients(sum(build.square(build.concat(parts, 1))), [x]);
    expect(operators(joined)).not.toContain("pad");
    const apart = gradients(sum(build.square(build.concat(parts.slice(1), 1))), [x]);
    expect(operators(apart)).toContain("pad");
  });

  it("needs no place on the stack for each node", () => {
    let value: Node = x;
    for (let depth = 0; depth < 20_000; depth++) value = build.tanh(value);
    const [gradient = x] = gradients(sum(value), [x]);
    expect(inOrder([gradient]).length).toBeGreaterThan(60_000);
  });

  it("stays in the types of its operands", () => {
    const half = input("half", [2, 3], "F16");
    const loss = sum(build.cast(build.gelu(build.softmax(half)), "F32"));
    const [gradient = x] = gradients(loss, [half]);
    expect(gradient.dtype).toBe("F16");
    verifyGraph(graphOf({ gradient }));
  });
});

describe("what is refused", () => {
  const x = input("x", ["batch", 3]);

  it("wants a loss of one number", () => {
    expect(() => gradients(build.tanh(x), [x])).toThrow(
      "The loss is tanh of shape [batch, 3] and not one number: reduce it by sum or mean.",
    );
  });

  it("wants a loss that is a floating-point number, and says why it is none", () => {
    const place = build.argmax(build.reshape(sum(x, [0]), [3]), 0);
    expect(() => gradients(place, [x])).toThrow(
      "The loss is argmax of type I64, which has no gradient: a place jumps",
    );
  });

  it("wants floating-point parameters", () => {
    const tokens = input("tokens", [3], "I64");
    expect(() => gradients(sum(x), [tokens])).toThrow(
      "A parameter is input of I64 [3], and only floating-point values have gradients.",
    );
  });

  it("wants tables of a fixed number of rows", () => {
    const table = input("table", ["rows", 3]);
    const looked = sum(build.gather(table, input("tokens", [3], "I64")));
    expect(() => gradients(looked, [table])).toThrow(
      "gather from a table of rows rows has no gradient: give the table a number of rows.",
    );
    expect(gradients(looked, [x])).toHaveLength(1);
  });
});
