/** Networks whose weights take low-rank inputs: which inputs there are, and what they compute in float64. */
import { describe, expect, it } from "vitest";
import { clipInputs, clipTextModel } from "../../../../src-main/core/diffusion/clip.ts";
import { lowRankInputs, lowRankNames } from "../../../../src-main/core/diffusion/low-rank.ts";
import { unet } from "../../../../src-main/core/diffusion/unet.ts";
import { unetConfigs } from "../../../../src-main/core/diffusion/unet-config.ts";
import { input } from "../../../../src-main/core/graph/build/index.ts";
import type { Parameters } from "../../../../src-main/core/graph/layers/index.ts";
import { convolution, linear } from "../../../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";
import { inOrder } from "../../../../src-main/core/graph/order.ts";
import { shapeText } from "../../../../src-main/core/graph/shape.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { modelModules } from "../../../../src-main/core/lora/architecture/index.ts";
import { lowerGraph } from "../../../../src-main/core/onnx/lower.ts";
import { tinyConfigs } from "../../../support/models/tiny-configs.ts";
import { printModel } from "../../../support/print-model.ts";

const given: Parameters = (name, shape) => input(name, shape);

function unetOf(
  parameters: Parameters,
  family: "sdxl" | "sd15",
  config = tinyConfigs[family].unet,
): Node {
  return unet(config, parameters, {
    latent: input("latent", ["batch", 4, 8, 8]),
    times: input("times", ["batch"]),
    context: input("context", ["batch", "tokens", config.context]),
    ...(config.addition !== undefined && {
      addition: {
        pooled: input("pooled", ["batch", config.addition - 1536]),
        sizes: input("sizes", ["batch", 6]),
      },
    }),
  });
}

function inputsOf(nodes: readonly Node[]): Map<string, string> {
  return new Map(
    inOrder(nodes).flatMap((node) =>
      node.operator === "input" ? [[node.parameters.name, shapeText(node.shape)] as const] : [],
    ),
  );
}

describe.each(["sdxl", "sd15"] as const)("%s", (family) => {
  const config = tinyConfigs[family];

  it("takes a pair for every module that a LoRA can adapt, and for nothing else", () => {
    const noise = unetOf(lowRankInputs(given, "unet"), family);
    verifyGraph(graphOf({ noise }));
    const results = config.textEncoders.flatMap((encoder) => {
      const { final, pooled } = clipTextModel(
        encoder,
        lowRankInputs(
          (name, shape) => input(`${encoder.component} ${name}`, shape),
          encoder.component,
        ),
        clipInputs(encoder),
      );
      return encoder.projection === undefined ? [final] : [final, pooled];
    });
    const found = inputsOf([noise, ...results]);
    const expected = new Map(
      modelModules(config).flatMap(({ path, out, in: inputs, kernel: [height, width] }) => {
        const { down, up, strength, rank } = lowRankNames(path);
        const taps = height === 1 ? "" : `, ${height}, ${width}`;
        return [
          [down, `[${rank}, ${inputs}${taps}]`],
          [up, `[${out}, ${rank}]`],
          [strength, `[${rank}]`],
        ] as const;
      }),
    );
    const low = Array.from(found).filter(([name]) => /^(down|up|strength) /.test(name));
    expect(Object.fromEntries(low)).toEqual(Object.fromEntries(expected));
  });

  it("is the same graph as before where no LoRAs are taken", () => {
    const names = Array.from(inputsOf([unetOf(given, family)]).keys());
    expect(names.filter((name) => /^(down|up|strength) /.test(name))).toEqual([]);
  });
});

it("has the published UNet's modules too", () => {
  const found = inputsOf([unetOf(lowRankInputs(given, "unet"), "sdxl", unetConfigs.sdxl)]);
  const pairs = Array.from(found.keys()).filter((name) => name.startsWith("up "));
  expect(pairs).toHaveLength(794);
});

describe("lowered", () => {
  const x = input("x", [6, 8]);
  const layer = (scaled: boolean) =>
    linear(
      lowRankInputs((name, shape) => input(name, shape), "unet", { scaled }),
      x,
      4,
      { bias: false },
    );

  it("adds the low-rank product onto the other in one step on the CPU", () => {
    const cpu = printModel(lowerGraph(graphOf({ y: layer(false) }), { provider: "cpu" }).bytes);
    expect(cpu).toMatch(/Gemm/);
    expect(cpu).not.toMatch(/\bAdd\b/);
    const cuda = printModel(lowerGraph(graphOf({ y: layer(false) }), { provider: "cuda" }).bytes);
    expect(cuda).toMatch(/\bAdd\b/);
  });

  it("computes in the network's own type where that is half", () => {
    const half = lowRankInputs((name, shape) => input(name, shape, "F16"), "unet", {
      dtype: "F16",
    });
    const y = convolution(half, input("x", [1, 8, 4, 4], "F16"), 4, { kernel: 3, padding: 1 });
    expect(y.dtype).toBe("F16");
    const down = inOrder([y]).find(
      (node) => node.operator === "input" && node.parameters.name === "down unet.weight",
    );
    expect(down?.dtype).toBe("F32");
  });
});
