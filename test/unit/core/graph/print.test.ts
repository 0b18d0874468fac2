/** Graphs as text: golden, stable, and different wherever nodes differ. */
import { expect, it } from "vitest";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import { floorDivide, minus, symbol, times } from "../../../../src-main/core/graph/dimension.ts";
import * as layers from "../../../../src-main/core/graph/layers/index.ts";
import { make } from "../../../../src-main/core/graph/make.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import type { Operator } from "../../../../src-main/core/graph/operators.ts";
import { inOrder } from "../../../../src-main/core/graph/order.ts";
import { parametersText, printGraph } from "../../../../src-main/core/graph/print.ts";
import { Draw } from "../../../support/operators/draw.ts";
import { operatorCases } from "../../../support/operators/operator-cases.ts";

const { input } = build;

it("prints a network as it reads", () => {
  const { parameters } = layers.trainedParameters();
  const image = input("image", ["batch", 3, "height", "width"]);
  const features = layers.convolution(parameters, image, 4, { kernel: 3, stride: 2, padding: 1 });
  const normal = layers.groupNorm(layers.within(parameters, "norm"), features, { groups: 2 });
  const loss = build.mean(build.silu(normal));
  expect(printGraph(graphOf({ features, loss }))).toMatchInlineSnapshot(`
    "%0 = input() {image} : F32 [batch, 3, height, width]
    %1 = input() {parameter:weight} : F32 [4, 3, 3, 3]
    %2 = convolve(%0, %1) {strides [2, 2], before [1, 1], after [1, 1], dilations [1, 1], groups 1} : F32 [batch, 4, floor((height + 1) / 2), floor((width + 1) / 2)]
    %3 = input() {parameter:bias} : F32 [4]
    %4 = reshape(%3) : F32 [4, 1, 1]
    %5 = add(%2, %4) : F32 [batch, 4, floor((height + 1) / 2), floor((width + 1) / 2)]
    %6 = reshape(%5) : F32 [batch, 2, 2 * floor((height + 1) / 2) * floor((width + 1) / 2)]
    %7 = normalize(%6) {epsilon 0.00001} : F32 [batch, 2, 2 * floor((height + 1) / 2) * floor((width + 1) / 2)]
    %8 = reshape(%7) : F32 [batch, 4, floor((height + 1) / 2), floor((width + 1) / 2)]
    %9 = input() {parameter:norm.weight} : F32 [4]
    %10 = reshape(%9) : F32 [4, 1, 1]
    %11 = multiply(%8, %10) : F32 [batch, 4, floor((height + 1) / 2), floor((width + 1) / 2)]
    %12 = input() {parameter:norm.bias} : F32 [4]
    %13 = reshape(%12) : F32 [4, 1, 1]
    %14 = add(%11, %13) : F32 [batch, 4, floor((height + 1) / 2), floor((width + 1) / 2)]
    %15 = swish(%14) {alpha 1} : F32 [batch, 4, floor((height + 1) / 2), floor((width + 1) / 2)]
    %16 = mean(%15) {axes [0, 1, 2, 3]} : F32 [1, 1, 1, 1]
    features = %5
    loss = %16"
  `);
});

it("prints every parameter", () => {
  const size = symbol("size");
  const x = input("x", [times(2, size), 4], "F16");
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const file = { kind: "file", path: "/models/one.safetensors", offset: 64, length: 8 } as const;
  const integers = input("at", [3], "I64");
  const kernel = input("kernel", [4, 2, 3]);
  const line = input("line", [1, 4, "size"]);
  const window = build.windowOf(1, { stride: 2, padding: { before: [0], after: [1] }, groups: 2 });
  const small = build.convolveBy(line, kernel, window);
  const nodes: Node[] = [
    build.constant(Float32Array.of(1, -0, Number.NaN, 0.1), [4]),
    build.constant(new Float32Array(100).fill(0.5), [100]),
    build.constant(BigInt64Array.of(-5n), [1], "I64"),
    build.scalar(-0, "F16"),
    build.weight("w", [2], { kind: "bytes", bytes }),
    build.weight("v", [4], file, "BF16"),
    build.cast(x, "BF16"),
    build.quickGelu(x),
    build.matmul(x, x, { transposeRight: true }),
    small,
    build.convolveTransposed(small, kernel, line.shape.slice(2), window),
    build.attention(x, x, x, 0.125),
    build.sum(x, [0, 1]),
    build.largest(x, [1]),
    build.argmax(x, 1),
    build.logSoftmax(x, 0),
    build.normalize(x, 1e-6),
    build.reshape(x, [size, 8]),
    build.transpose(x, [1, 0]),
    build.slice(x, 0, floorDivide(size, 2), minus(size, 1)),
    build.reverse(x, 1),
    build.pad(x, [1, 0], [0, 2]),
    build.concat([x, x], 0),
    build.expand(build.sum(x, [1]), x.shape),
    build.upsample(input("image", [1, 1, 2, 2]), 2),
    build.scatterAdd(integers, input("rows", [3, 2]), 7),
    build.oneHot(integers, 5),
    build.after(x, integers),
  ];
  const graph = graphOf(Object.fromEntries(nodes.map((node, at) => [`y${at}`, node])));
  const lines = printGraph(graph).split("\n");
  expect(lines.filter((each) => each.startsWith("%")).join("\n")).toMatchInlineSnapshot(`
    "%0 = constant() {1 -0 NaN 0.10000000149011612} : F32 [4]
    %1 = constant() {100 values, hash 2d153665} : F32 [100]
    %2 = constant() {-5} : I64 [1]
    %3 = constant() {-0} : F16 []
    %4 = weight() {w, 8 bytes, hash 2804678d} : F32 [2]
    %5 = weight() {v, /models/one.safetensors at 64} : BF16 [4]
    %6 = input() {x} : F16 [2 * size, 4]
    %7 = cast(%6) {to BF16} : BF16 [2 * size, 4]
    %8 = swish(%6) {alpha 1.702} : F16 [2 * size, 4]
    %9 = matmul(%6, %6) {transposeRight} : F16 [2 * size, 2 * size]
    %10 = input() {line} : F32 [1, 4, size]
    %11 = input() {kernel} : F32 [4, 2, 3]
    %12 = convolve(%10, %11) {strides [2], before [0], after [1], dilations [1], groups 2} : F32 [1, 4, floor((size) / 2)]
    %13 = convolveTransposed(%12, %11) {strides [2], before [0], after [1], dilations [1], groups 2, spatial [size]} : F32 [1, 4, size]
    %14 = attention(%6, %6, %6) {scale 0.125} : F16 [2 * size, 4]
    %15 = sum(%6) {axes [0, 1]} : F16 [1, 1]
    %16 = largest(%6) {axes [1]} : F16 [2 * size, 1]
    %17 = argmax(%6) {axis 1} : I64 [2 * size]
    %18 = logSoftmax(%6) {axis 0} : F16 [2 * size, 4]
    %19 = normalize(%6) {epsilon 0.000001} : F16 [2 * size, 4]
    %20 = reshape(%6) : F16 [size, 8]
    %21 = transpose(%6) {permutation [1, 0]} : F16 [4, 2 * size]
    %22 = slice(%6) {axis 0, start floor((size) / 2), length -floor((size) / 2) + size - 1, step 1} : F16 [-floor((size) / 2) + size - 1, 4]
    %23 = slice(%6) {axis 1, start 3, length 4, step -1} : F16 [2 * size, 4]
    %24 = pad(%6) {before [1, 0], after [0, 2]} : F16 [2 * size + 1, 6]
    %25 = concat(%6, %6) {axis 0} : F16 [4 * size, 4]
    %26 = sum(%6) {axes [1]} : F16 [2 * size, 1]
    %27 = expand(%26) : F16 [2 * size, 4]
    %28 = input() {image} : F32 [1, 1, 2, 2]
    %29 = upsample(%28) {scale 2} : F32 [1, 1, 4, 4]
    %30 = input() {at} : I64 [3]
    %31 = input() {rows} : F32 [3, 2]
    %32 = scatterAdd(%30, %31) {count 7} : F32 [7, 2]
    %33 = oneHot(%30) {depth 5} : F32 [3, 5]
    %34 = after(%6, %30) : F16 [2 * size, 4]"
  `);
});

it.each(Object.entries(operatorCases))("prints %s, the same for the same", (operator, draw) => {
  const print = (seed: number) => {
    const node = draw(new Draw(seed, true), operator === "oneHot" ? "I64" : takenBy(operator));
    return printGraph(graphOf({ result: node }));
  };
  expect(print(1)).toContain(`= ${operator}(`);
  expect(print(1)).toBe(print(1));
});

function takenBy(operator: string): "BOOL" | "F32" {
  return operator === "and" || operator === "not" ? "BOOL" : "F32";
}

it("tells nodes apart that differ in one number", () => {
  const x = input("x", [1, 1, 6, 6]);
  const flat = input("flat", [6, 6]);
  const pairs: [Node, Node][] = [
    [make("swish", [x], { alpha: 1 }), make("swish", [x], { alpha: 1 + 2 ** -52 })],
    [build.normalize(x, 1e-5), build.normalize(x, 1e-6)],
    [build.pad(x, [0, 0, 1, 0], [0, 0, 0, 0]), build.pad(x, [0, 0, 0, 0], [0, 0, 1, 0])],
    [build.sliceBy(flat, 0, 1, 2, 1), build.sliceBy(flat, 0, 1, 2, 2)],
    [build.sliceBy(flat, 0, 1, 2, 1), build.sliceBy(flat, 1, 1, 2, 1)],
    [build.matmul(flat, flat, { transposeLeft: true }), build.matmul(flat, flat)],
    [build.softmax(flat, 0), build.softmax(flat, 1)],
    [build.scalar(0), build.scalar(-0)],
    [input("a", [2]), input("b", [2])],
  ];
  for (const [one, other] of pairs) {
    expect(one.operator).toBe(other.operator);
    expect(parametersText(one)).not.toBe(parametersText(other));
  }
});

it("numbers nodes in order", () => {
  const nodes = inOrder([build.add(input("x", [2]), input("y", [2]))]);
  const operators: Operator[] = nodes.map(({ operator }) => operator);
  expect(operators).toEqual(["input", "input", "add"]);
});
