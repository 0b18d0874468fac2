/** Weights reach the runtime as they lie in their file: nothing that moves one is left in a lowered model. */
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { checkpointParameters } from "../../../../src-main/core/checkpoint/parameters.ts";
import { describeCheckpoint } from "../../../../src-main/core/checkpoint/describe.ts";
import { clipInputs, clipTextModel } from "../../../../src-main/core/diffusion/clip.ts";
import { lowRankInputs } from "../../../../src-main/core/diffusion/low-rank.ts";
import { unet } from "../../../../src-main/core/diffusion/unet.ts";
import { families, type Family } from "../../../../src-main/core/diffusion/unet-config.ts";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import { linear } from "../../../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { lowerGraph } from "../../../../src-main/core/onnx/lower.ts";
import { singleFileHeaders } from "../../../support/models/headers.ts";
import { tinyConfigs } from "../../../support/models/tiny-configs.ts";
import { printModel } from "../../../support/print-model.ts";

function printed(result: Node): string[] {
  const { bytes } = lowerGraph(graphOf({ result }), { provider: "cpu" });
  return printModel(bytes)
    .split("\n")
    .filter((line) => !line.includes("SequenceConstruct"));
}

const source = { kind: "bytes", bytes: new Uint8Array(24) } as const;
const x = build.input("x", ["n", 2]);
const halves = build.weight("w", [3, 2], { ...source, bytes: new Uint8Array(12) }, "F16");

it("a transposed weight is read by the product's flag", () => {
  const turned = build.transpose(build.weight("w", [2, 3], source), [1, 0]);
  expect(printed(build.matmul(x, turned, { transposeRight: true }))).toEqual([
    "result = MatMul(x, [w[2, 3]])",
  ]);
  const other = build.transpose(build.weight("w", [3, 2], source), [1, 0]);
  expect(printed(build.matmul(x, other))).toEqual([
    "result = FusedMatMul(x, [w[3, 2]]) {transA 0, transB 1, alpha 1}",
  ]);
});

it("also where it is cast", () => {
  const turned = build.transpose(build.cast(halves, "F32"), [1, 0]);
  expect(printed(build.matmul(x, turned))).toEqual([
    "%0 = Cast([w[3, 2]]) {to 1}",
    "result = FusedMatMul(x, %0) {transA 0, transB 1, alpha 1}",
  ]);
});

it("what is transposed at each run stays so", () => {
  const y = build.input("y", [3, 2]);
  expect(printed(build.matmul(x, build.transpose(y, [1, 0])))).toHaveLength(2);
});

it("a reshaped weight is another one over the same bytes", () => {
  const kernel = build.weight("w", [3, 2, 1, 1], source);
  const flat = build.reshape(kernel, [3, 2]);
  expect(printed(build.matmul(x, flat, { transposeRight: true }))).toEqual([
    "result = FusedMatMul(x, [w [3, 2][3, 2]]) {transA 0, transB 1, alpha 1}",
  ]);
  const wide = build.reshape(build.cast(halves, "F32"), [2, 3]);
  expect(printed(build.matmul(x, wide))).toEqual([
    "%0 = Cast([w [2, 3][2, 3]]) {to 1}",
    "result = MatMul(x, %0)",
  ]);
});

it("the text projection of a single file is read as it lies", () => {
  const checkpoint = describeCheckpoint(singleFileHeaders(tinyConfigs.sdxl));
  const parameters = checkpointParameters(checkpoint, "text_encoder_2", "F32");
  const pooled = build.input("pooled", ["n", 64]);
  const projected = linear(
    (_, ...rest) => parameters("text_projection.weight", ...rest),
    pooled,
    64,
    {
      bias: false,
    },
  );
  expect(printed(projected)).toEqual([
    "%0 = Cast([text_encoder_2.text_projection.weight[64, 64]]) {to 1}",
    "result = MatMul(pooled, %0)",
  ]);
});

/** What moves a weight of two and more axes, as it is or cast. */
function moversIn(outputs: Readonly<Record<string, Node>>): { weights: number; movers: string[] } {
  const { bytes } = lowerGraph(graphOf(outputs), { provider: "cpu" });
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const weights = new Set(
    graph?.initializer.filter(({ dims }) => dims.length > 1).map(({ name }) => name),
  );
  for (const { opType, input, output } of graph?.node ?? [])
    if (opType === "Cast" && weights.has(input[0] ?? "")) weights.add(output[0] ?? "");
  const movers = graph?.node.filter(
    ({ opType, input }) => ["Transpose", "Reshape"].includes(opType) && weights.has(input[0] ?? ""),
  );
  return {
    weights: weights.size,
    movers: (movers ?? []).map(({ opType, input }) => `${opType} ${input[0]}`),
  };
}

describe.each(["alone", "with LoRAs"] as const)("a network %s", (adapted) => {
  const parametersOf = (family: Family, component: "unet" | "text_encoder_2") => {
    const checkpoint = describeCheckpoint(singleFileHeaders(tinyConfigs[family]));
    const parameters = checkpointParameters(checkpoint, component, "F32");
    return adapted === "alone" ? parameters : lowRankInputs(parameters, component);
  };

  it.each(families)("moves no weight of the UNet of %s", (family) => {
    const config = tinyConfigs[family].unet;
    const noise = unet(config, parametersOf(family, "unet"), {
      latent: build.input("latent", [1, 4, 16, 16]),
      times: build.input("times", [1]),
      context: build.input("context", [1, 77, config.context]),
      ...(config.addition === undefined
        ? {}
        : {
            addition: {
              pooled: build.input("pooled", [1, 64]),
              sizes: build.input("sizes", [1, 6]),
            },
          }),
    });
    const { weights, movers } = moversIn({ noise });
    expect(weights).toBeGreaterThan(400);
    expect(movers).toEqual([]);
  });

  it("moves no weight of bigG in a single file", () => {
    const [, config] = tinyConfigs.sdxl.textEncoders;
    if (config === undefined) throw new Error("no bigG");
    const parameters = parametersOf("sdxl", "text_encoder_2");
    const { final, pooled } = clipTextModel(config, parameters, clipInputs(config));
    const { weights, movers } = moversIn({ final, pooled });
    expect(weights).toBeGreaterThan(30);
    expect(movers).toEqual([]);
  });
});
