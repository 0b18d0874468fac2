/** Layers: sizes left open, parameters by name, what training begins with, refusals; their numbers are held elsewhere. */
import { describe, expect, test } from "vitest";
import { input } from "../../../../src-main/core/graph/build/index.ts";
import { symbol } from "../../../../src-main/core/graph/dimension.ts";
import {
  attention,
  convolution,
  crossEntropy,
  embedding,
  fanIn,
  feedForward,
  gatedFeedForward,
  groupNorm,
  initialValues,
  layerNorm,
  linear,
  ones,
  resnetBlock,
  sinusoidalEmbedding,
  spatialTransformer,
  trainedParameters,
  upsampled,
  upsampleLine,
  within,
} from "../../../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { shapeText } from "../../../../src-main/core/graph/shape.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { evaluate } from "../../../support/evaluate/evaluate.ts";
import { tensor64 } from "../../../support/evaluate/tensor.ts";

/** The shape that a layer gives and the parameters it asked for. */
function told(layer: (parameters: ReturnType<typeof trainedParameters>["parameters"]) => Node) {
  const { parameters, trained } = trainedParameters();
  const node = layer(parameters);
  verifyGraph(graphOf({ node }));
  const asked = Array.from(trained, ([name, { shape }]) => `${name} [${shape.join(", ")}]`);
  return { shape: shapeText(node.shape), asked };
}

describe("sizes that are known only when a graph runs", () => {
  const pixels = input("x", ["batch", 32, "height", "width"]);
  const tokens = input("tokens", ["batch", "length", 48]);
  const context = input("context", ["batch", "words", 24]);

  test("pass through every layer", () => {
    expect(told((p) => linear(p, tokens, 7)).shape).toBe("[batch, length, 7]");
    expect(told((p) => layerNorm(p, tokens)).shape).toBe("[batch, length, 48]");
    expect(told((p) => groupNorm(p, pixels, { groups: 4 })).shape).toBe(
      "[batch, 32, height, width]",
    );
    expect(told((p) => attention(p, tokens, { heads: 4, context })).shape).toBe(
      "[batch, length, 48]",
    );
    expect(told((p) => gatedFeedForward(p, tokens, 96)).shape).toBe("[batch, length, 48]");
    expect(told((p) => feedForward(p, tokens, { hidden: 96 })).shape).toBe("[batch, length, 48]");
    expect(told((p) => upsampled(p, pixels)).shape).toBe("[batch, 32, 2 * height, 2 * width]");
    expect(told((p) => resnetBlock(p, pixels, { out: 64 })).shape).toBe(
      "[batch, 64, height, width]",
    );
    expect(told((p) => spatialTransformer(p, pixels, { heads: 4, context })).shape).toBe(
      "[batch, 32, height, width]",
    );
  });

  test("must be known along axes that parameters lie on", () => {
    expect(() => told((p) => linear(p, input("x", ["batch", "width"]), 3))).toThrow(
      "linear(F32 [batch, width]): axis -1 must have a fixed size.",
    );
    expect(() => told((p) => convolution(p, input("x", [1, "c", 9]), 3, { kernel: 3 }))).toThrow(
      "convolution(F32 [1, c, 9]): axis 1 must have a fixed size.",
    );
  });
});

describe("parameters", () => {
  test("carry torch's names and shapes", () => {
    const x = input("x", [2, 6, 10, 10]);
    const conv = told((p) => convolution(within(p, "down.0.conv"), x, 8, { kernel: 3, groups: 2 }));
    expect(conv).toEqual({
      shape: "[2, 8, 8, 8]",
      asked: ["down.0.conv.weight [8, 3, 3, 3]", "down.0.conv.bias [8]"],
    });
    const line = input("x", [2, 6, 10]);
    const strided = { kernel: 5, stride: 2, padding: 2, bias: false };
    expect(told((p) => convolution(p, line, 4, strided))).toEqual({
      shape: "[2, 4, 5]",
      asked: ["weight [4, 6, 5]"],
    });
    const words = input("words", [2, 3], "I64");
    expect(told((p) => embedding(within(p, "token_embedding"), words, 9, 4))).toEqual({
      shape: "[2, 3, 4]",
      asked: ["token_embedding.weight [9, 4]"],
    });
  });

  test("are inputs of one name and one shape", () => {
    const { parameters } = trainedParameters();
    const node = parameters("a.weight", [3, 4], ones);
    expect(node).toMatchObject({ operator: "input", parameters: { name: "parameter:a.weight" } });
    expect(parameters("a.weight", [3, 4], ones)).toBe(node);
    expect(() => parameters("a.weight", [4, 3], ones)).toThrow(
      "a.weight is asked for as [3, 4] and as [4, 3]",
    );
  });

  test("begin as torch's do", () => {
    const values = initialValues(fanIn(64), [100, 64], seededRandom(3));
    expect(values).toHaveLength(6400);
    // Even over [-1/8, 1/8): its deviation is 1 / (8 sqrt(3)).
    expect(Math.max(...values)).toBeLessThan(1 / 8);
    expect(Math.max(...values)).toBeGreaterThan(0.124);
    expect(Math.min(...values)).toBeLessThan(-0.124);
    const deviation = Math.hypot(...values) / Math.sqrt(values.length);
    expect(deviation).toBeCloseTo(1 / (8 * Math.sqrt(3)), 2);
    const normals = initialValues({ kind: "normal", deviation: 3 }, [4000], seededRandom(3));
    expect(Math.hypot(...normals) / Math.sqrt(4000)).toBeCloseTo(3, 0);
    expect([...initialValues(ones, [3], seededRandom(3))]).toEqual([1, 1, 1]);
  });
});

test("channels that cannot be shared are refused with the layer and its operand", () => {
  const x = input("x", ["batch", 10, 4, 4]);
  expect(() => told((p) => groupNorm(p, x, { groups: 4 }))).toThrow(
    "groupNorm(F32 [batch, 10, 4, 4]): 10 channels cannot be shared among 4.",
  );
  const tokens = input("tokens", [2, 5, 12]);
  expect(() => told((p) => attention(p, tokens, { heads: 5 }))).toThrow(
    "attention(F32 [2, 5, 12]): 12 channels cannot be shared among 5.",
  );
});

test("sinusoids are cosines, then sines, of falling frequency", () => {
  const [found] = evaluate([sinusoidalEmbedding(input("times", [symbol("n")]), 4)], {
    times: tensor64([2], [0, 300]),
  });
  expect(found?.shape).toEqual([2, 4]);
  const expected = [1, 1, 0, 0, Math.cos(300), Math.cos(3), Math.sin(300), Math.sin(3)];
  // Frequencies are stored as float32.
  found?.values.forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? 0, 5));
});

test("a line is doubled element by element", () => {
  const [found] = evaluate([upsampleLine(input("x", [1, 2, 2]), 3)], {
    x: tensor64([1, 2, 2], [1, 2, 3, 4]),
  });
  expect(found?.shape).toEqual([1, 2, 6]);
  expect([...(found?.values ?? [])]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
});

test("cross entropy is the mean over all places of what the right class lacks", () => {
  const logits = input("logits", [2, 3]);
  const [found] = evaluate([crossEntropy(logits, input("classes", [2], "I64"))], {
    logits: tensor64([2, 3], [0, 0, 0, 1, 2, 3]),
    classes: tensor64([2], [1, 0]),
  });
  const second = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3)) - 1;
  expect(found?.values[0]).toBeCloseTo((Math.log(3) + second) / 2, 12);
});
