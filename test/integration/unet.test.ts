/** Small UNets of both families on ONNX Runtime, held against what diffusers computes with the same parameters. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unet } from "../../src-main/core/diffusion/unet.ts";
import type { Family, UnetConfig } from "../../src-main/core/diffusion/unet-config.ts";
import { input } from "../../src-main/core/graph/build/index.ts";
import { symbol, times } from "../../src-main/core/graph/dimension.ts";
import { graphOf } from "../../src-main/core/graph/node.ts";
import { elementCount } from "../../src-main/core/tensor/dtype.ts";
import type { Tensor } from "../../src-main/engine/session.ts";
import { relativeError } from "../support/networks/references.ts";
import { runGraph } from "../support/run-graph.ts";
import { readTensorFile } from "../support/safetensors.ts";

const small: Record<Family, UnetConfig> = {
  sdxl: {
    channels: [32, 64],
    depth: [0, 2],
    middleDepth: 2,
    heads: [1, 4],
    context: 24,
    linearProjection: true,
    addition: 16 + 6 * 256,
    time: 128,
  },
  sd15: {
    channels: [32, 64],
    depth: [1, 0],
    middleDepth: 1,
    heads: [4, 4],
    context: 24,
    linearProjection: false,
    time: 128,
  },
};

/** The rule of test/fixtures/diffusion/make.py. */
function filled(name: string, place: number, shape: readonly number[]): Tensor {
  const count = elementCount(shape);
  const size = Math.sqrt(3 / (count / (shape[0] ?? 1)));
  const values = Float32Array.from({ length: count }, (_, index) => {
    const wave = Math.sin(0.37 * index + place);
    if (shape.length > 1) return wave * size;
    return name.includes("norm") && name.endsWith("weight") ? 1 + 0.1 * wave : 0.1 * wave;
  });
  return { shape, values };
}

describe.each(["sdxl", "sd15"] as const)("%s", (family) => {
  it("predicts what diffusers predicts", async () => {
    const path = join(import.meta.dirname, `../fixtures/diffusion/${family}.safetensors`);
    const { tensors, metadata } = readTensorFile(path);
    expect(metadata).toMatchObject({ magic: "facet-reference", version: "1" });
    const { noise, ...given } = Object.fromEntries(tensors);
    if (noise === undefined) throw new Error("the reference lacks its result");

    const shapes = new Map<string, readonly number[]>();
    const result = unet(
      small[family],
      (name, shape) => {
        shapes.set(name, shape);
        return input(name, shape);
      },
      {
        latent: input("latent", [
          "batch",
          4,
          times(symbol("rows"), 2),
          times(symbol("columns"), 2),
        ]),
        times: input("times", ["batch"]),
        context: input("context", ["batch", "tokens", 24]),
        ...(family === "sdxl"
          ? {
              addition: {
                pooled: input("pooled", ["batch", 16]),
                sizes: input("sizes", ["batch", 6]),
              },
            }
          : {}),
      },
    );
    const parameters = Array.from(shapes)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, shape], place) => [name, filled(name, place, shape)] as const);
    const feeds = { ...given, ...Object.fromEntries(parameters) };
    const { found } = await runGraph(graphOf({ found: result }), feeds);
    if (found === undefined) throw new Error("the graph gave nothing");
    expect(relativeError(found, noise)).toBeLessThan(1e-5);
  });
});
