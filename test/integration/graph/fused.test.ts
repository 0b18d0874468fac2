/** What is computed together gives what its nodes give one by one. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import * as build from "../../../src-main/core/graph/build/index.ts";
import { graphOf, type Node } from "../../../src-main/core/graph/node.ts";
import { lowerGraph } from "../../../src-main/core/onnx/lower.ts";
import { printModel } from "../../support/print-model.ts";
import { runGraph } from "../../support/run-graph.ts";
import { evaluate } from "../../support/evaluate/evaluate.ts";
import { Draw, toFloat64 } from "../../support/operators/draw.ts";

function numbers(draw: Draw, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => draw.random.normal());
}

function fixed(draw: Draw, name: string, shape: readonly number[]): Node {
  const count = shape.reduce((product, size) => product * size, 1);
  const { buffer } = numbers(draw, count);
  return build.weight(name, shape, { kind: "bytes", bytes: new Uint8Array(buffer) });
}

const shapes: Readonly<Record<string, (draw: Draw) => Node>> = {
  "a convolution over one axis and its bias": (draw) => {
    const x = draw.input([draw.dimension(), 4, draw.dimension(3)], "F32");
    const bias = draw.input([6, 1], "F32");
    return build.add(build.convolve(x, draw.input([6, 4, 3], "F32"), { padding: 1 }), bias);
  },
  "a convolution over one axis with a kernel that is known": (draw) => {
    const x = draw.input([draw.dimension(), 4, draw.dimension(3)], "F32");
    const options = { padding: 1, stride: 2 };
    const y = build.convolve(x, fixed(draw, "w", [32, 4, 3]), options);
    return build.add(fixed(draw, "b", [1, 32, 1]), y);
  },
  "a convolution over two axes and its bias": (draw) => {
    const x = draw.input([2, 4, draw.dimension(3), draw.dimension(3)], "F32");
    const y = build.convolve(x, draw.input([6, 2, 3, 3], "F32"), { padding: 1, groups: 2 });
    return build.add(y, draw.input([6, 1, 1], "F32"));
  },
  "a transposed convolution and its bias": (draw) => {
    const y = draw.input([2, 4, draw.size(3)], "F32");
    const stride = 1 + draw.random.below(2);
    const size = ((y.shape[2] as number) - 1) * stride + 3 - 2;
    const window = { strides: [stride], before: [1], after: [1], dilations: [1], groups: 1 };
    const x = build.convolveTransposed(y, draw.input([4, 5, 3], "F32"), [size], window);
    return build.add(x, draw.input([5, 1], "F32"));
  },
  "a normalisation, its scale and its shift": (draw) => {
    const x = draw.input([draw.dimension(), draw.dimension(), 24], "F32");
    const normal = build.multiply(build.normalize(x, 1e-5), draw.input([24], "F32"));
    return build.add(draw.input([1, 24], "F32"), normal);
  },
};

it.each(Object.entries(shapes))("%s", async (_, make) => {
  for (let round = 0; round < 12; round++) {
    const draw = new Draw(round, round % 2 === 1);
    const node = make(draw);
    const { tensors, reference } = draw.feeds(0);
    const { y } = await runGraph(graphOf({ y: node }), tensors);
    const [expected] = evaluate([node], reference);
    if (!y || !expected) throw new Error("no result");
    expect(y.shape).toEqual(expected.shape);
    toFloat64(y.values).forEach((value, index) => {
      expect(Math.abs(value - (expected.values[index] ?? Number.NaN))).toBeLessThan(1e-4);
    });
  }
});

it("attention of half floats as CUDA is given it", async () => {
  const draw = new Draw(3, false);
  const shape = [2, 3, 5, 8];
  const [q, k, v] = [0, 1, 2].map(() => draw.input(shape, "F16"));
  const mask = draw.input([5, 5], "F16");
  if (!q || !k || !v) throw new Error("three were drawn");
  const node = build.attention(q, k, v, 0.3, mask);
  const { bytes, written } = lowerGraph(graphOf({ y: node }), { provider: "cuda" });
  expect(written).toBeUndefined();
  expect(printModel(bytes)).toBe("y = Attention(x0, x1, x2, x3) {scale 0.30000001192092896}");
  // The CPU has the operator too, in F32.
  const { tensors, reference } = draw.feeds(0);
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const feeds = Object.entries(tensors).map(([name, tensor]) => {
    const native = new Tensor("float16", tensor.values as never, tensor.shape);
    const { buffer } = tensor.values;
    Object.defineProperty(native, "data", { value: new Uint16Array(buffer) });
    return [name, native] as const;
  });
  const { y } = await session.run(Object.fromEntries(feeds));
  const [expected] = evaluate([node], reference);
  Float64Array.from(y?.data as never as Float16Array).forEach((value, index) => {
    expect(Math.abs(value - (expected?.values[index] ?? Number.NaN))).toBeLessThan(4e-3);
  });
  await session.release();
});
