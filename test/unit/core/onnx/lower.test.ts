/** What graphs are lowered to: as text, where the runtime's answer alone would not show it. */
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import { symbol, times } from "../../../../src-main/core/graph/dimension.ts";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { lowerGraph } from "../../../../src-main/core/onnx/lower.ts";
import { printModel } from "../../../support/print-model.ts";

const cpu = { provider: "cpu" } as const;

function printed(result: Node): string {
  return printModel(lowerGraph(graphOf({ result }), cpu).bytes)
    .split("\n")
    .filter((line) => !line.includes("SequenceConstruct"))
    .join("\n");
}

describe("a product", () => {
  it("takes its operands as they lie", () => {
    const x = build.input("x", ["n", 4]);
    const w = build.input("w", [3, 4]);
    expect(printed(build.matmul(x, w, { transposeRight: true }))).toBe(
      "result = FusedMatMul(x, w) {transA 0, transB 1, alpha 1}",
    );
  });
});

describe("sizes that a run tells", () => {
  it("need no nodes where one is unknown", () => {
    const x = build.input("x", ["n", 4, 6]);
    expect(printed(build.reshape(x, [symbol("n"), 24]))).toBe("result = Reshape(x, [0 24])");
    expect(printed(build.reshape(x, [times(symbol("n"), 4), 6]))).toBe(
      "result = Reshape(x, [-1 6])",
    );
  });

  it("are read off an input where two are", () => {
    const x = build.input("x", ["n", "m"]);
    const square = build.reshape(x, [symbol("m"), symbol("n")]);
    expect(printed(square)).toBe(
      [
        "%0 = Shape(x) {start 1, end 2}",
        "%1 = Shape(x) {start 0, end 1}",
        "%2 = Concat(%0, %1) {axis 0}",
        "result = Reshape(x, %2)",
      ].join("\n"),
    );
  });

  it("are solved for where an input shows a multiple", () => {
    const x = build.input("x", [times(symbol("n"), 2)]);
    expect(printed(build.slice(x, 0, 0, symbol("n")))).toBe(
      [
        "%0 = Shape(x) {start 0, end 1}",
        "%1 = Div(%0, [2])",
        "result = Slice(x, [0], %1, [0], [1])",
      ].join("\n"),
    );
  });

  it("are missed by name", () => {
    const lost = build.constant(1, [symbol("lost")]);
    expect(() => lowerGraph(graphOf({ lost }), cpu)).toThrow(FacetError);
    expect(() => lowerGraph(graphOf({ lost }), cpu)).toThrow(/size lost is wanted/);
  });
});

describe("a reshape", () => {
  it("of a reshape passes over it", () => {
    const x = build.input("x", [4, 6]);
    const flat = build.reshape(build.reshape(x, [2, 12]), [24]);
    expect(printed(flat)).toBe("result = Reshape(x, [24])");
    expect(printed(build.reshape(flat, [4, 6]))).toBe("result = Identity(x)");
  });
});

describe("an expansion", () => {
  it("is left to the operator that broadcasts by itself", () => {
    const x = build.input("x", [5, 4]);
    const row = build.expand(build.input("b", [1, 4]), [5, 4]);
    expect(printed(build.add(x, row))).toBe("result = Add(x, b)");
  });

  it("stays where it gives the shape", () => {
    const [a, b] = [build.input("a", [1, 4]), build.input("b", [1, 4])];
    const sum = build.add(build.expand(a, [5, 4]), build.expand(b, [5, 4]));
    expect(printed(sum)).toBe("%0 = Expand(b, [5 4])\nresult = Add(a, %0)");
  });
});

describe("what follows", () => {
  const x = build.input("x", ["n", 8, 20]);
  const w = build.input("w", [4, 8, 3]);
  const convolved = build.convolve(x, w, { padding: 1 });

  it("a convolution and is added to its channels is its own operand", () => {
    const bias = build.reshape(build.input("b", [4]), [4, 1]);
    expect(printed(build.add(convolved, bias))).toBe(
      "result = Conv(x, w, b) {strides [1], pads [1, 1], dilations [1], group 1}",
    );
  });

  it("a convolution that is used elsewhere too stays apart", () => {
    const sum = build.add(convolved, build.input("b", [4, 1]));
    expect(printed(build.multiply(sum, convolved))).toContain("Add(");
  });

  it("a convolution and lies along another axis stays apart", () => {
    expect(printed(build.add(convolved, build.input("b", [20])))).toContain("Add(");
  });

  it("a normalisation is its scale and its shift", () => {
    const [scale, shift] = [build.input("scale", [20]), build.input("shift", [20])];
    const normal = build.multiply(scale, build.normalize(x, 0.5));
    expect(printed(build.add(normal, shift))).toBe(
      "result = LayerNormalization(x, scale, shift) {axis -1, epsilon 0.5}",
    );
  });
});

describe("names", () => {
  it("of outputs are kept, and told apart from those of inputs", () => {
    const w = build.input("w", [2]);
    const { inputs, outputs, bytes } = lowerGraph(
      graphOf({ w: build.add(w, 1), same: w, twice: build.add(w, 1) }),
      cpu,
    );
    expect(inputs.map(({ name }) => name)).toEqual(["w"]);
    expect(outputs.map(({ name, value }) => [name, value])).toEqual([
      ["w", "next w"],
      ["same", "same"],
      ["twice", "twice"],
    ]);
    expect(printModel(bytes)).toBe(
      [
        "next w = Add(w, 1)",
        "same = Identity(w)",
        "twice = Identity(next w)",
        "%3 = SequenceConstruct(0)",
      ].join("\n"),
    );
  });
});

describe("bf16", () => {
  it("crosses the border as f32", () => {
    const x = build.input("x", [2], "BF16");
    const { inputs, outputs, bytes } = lowerGraph(graphOf({ y: build.reshape(x, [1, 2]) }), cpu);
    expect(inputs[0]?.dtype).toBe("F32");
    expect(outputs[0]?.dtype).toBe("F32");
    expect(printModel(bytes)).toContain("Cast");
  });
});

describe("weights", () => {
  it("in memory beyond what a model holds are refused with the numbers", () => {
    const bytes = new Uint8Array(2 ** 30);
    const weights = ["a", "b"].map((name) =>
      build.weight(name, [2 ** 28], { kind: "bytes", bytes }),
    );
    const sum = weights.reduce((left, right) => build.add(left, right));
    expect(() => lowerGraph(graphOf({ sum }), cpu)).toThrow(/21474836\d\d bytes/);
  });
});

describe("a graph of 6,000 nodes", () => {
  it("is lowered in far less than a second", () => {
    const w = build.input("w", [64, 64]);
    let x = build.input("x", ["n", 64]);
    for (let layer = 0; layer < 1500; layer++) {
      x = build.add(build.silu(build.matmul(x, w)), build.multiply(x, 0.5 + layer / 3000));
    }
    const started = performance.now();
    const { bytes } = lowerGraph(graphOf({ x }), cpu);
    const took = performance.now() - started;
    console.info(`6,000 nodes lowered in ${took.toFixed(0)} ms to ${bytes.byteLength} bytes`);
    expect(took).toBeLessThan(2000);
  });
});
