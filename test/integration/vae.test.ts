/** The tiny autoencoder on ONNX Runtime, held against what diffusers computes with the same parameters. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { vaeDecoder, vaeEncoder } from "../../src-main/core/diffusion/vae.ts";
import type { VaeConfig } from "../../src-main/core/diffusion/vae-config.ts";
import { input } from "../../src-main/core/graph/build/index.ts";
import { symbol, times } from "../../src-main/core/graph/dimension.ts";
import type { Parameters } from "../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../src-main/core/graph/node.ts";
import type { Tensor } from "../../src-main/engine/session.ts";
import { formulaTensors } from "../support/models/formula.ts";
import { relativeError } from "../support/networks/references.ts";
import { runGraph } from "../support/run-graph.ts";
import { readTensorFile } from "../support/safetensors.ts";

const tiny: VaeConfig = { channels: [32, 32, 64, 64], latentChannels: 4, scale: 0.130_25 };

const { tensors, metadata } = readTensorFile(
  join(import.meta.dirname, "../fixtures/vae/tiny.safetensors"),
);

function stored(name: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`the references lack ${name}`);
  return tensor;
}

/** Shapes of all parameters, and the graphs that ask for them as inputs. */
function networks() {
  const shapes = new Map<string, readonly number[]>();
  const parameters: Parameters = (name, shape) => {
    shapes.set(name, shape);
    return input(name, shape);
  };
  const eightfold = (name: string) => times(symbol(name), 8);
  const pixels = input("pixels", ["batch", 3, eightfold("rows"), eightfold("columns")]);
  const latents = input("latents", ["batch", 4, "rows", "columns"]);
  const encoded = vaeEncoder(tiny, parameters, pixels);
  const decoded = vaeDecoder(tiny, parameters, latents);
  return { shapes, encoded, decoded };
}

const { shapes, encoded, decoded } = networks();
const filled = formulaTensors(shapes);

const parts = { encoder: ["encoder.", "quant_conv."], decoder: ["decoder.", "post_quant_conv."] };

async function run(
  part: keyof typeof parts,
  outputs: Record<string, Node>,
  feeds: Record<string, Tensor>,
) {
  const own = Array.from(filled).filter(([name]) =>
    parts[part].some((start) => name.startsWith(start)),
  );
  return await runGraph(graphOf(outputs), { ...Object.fromEntries(own), ...feeds });
}

describe.each(["wide", "flat"])("%s pictures", (size) => {
  it("are encoded as diffusers encodes them", async () => {
    expect(metadata).toMatchObject({ magic: "facet-reference", version: "1" });
    const feeds = { pixels: stored(`${size} pixels`) };
    const { mean, logVariance } = await run("encoder", { ...encoded }, feeds);
    if (mean === undefined || logVariance === undefined) throw new Error("no result");
    expect(relativeError(mean, stored(`${size} mean`))).toBeLessThan(1e-5);
    expect(relativeError(logVariance, stored(`${size} logVariance`))).toBeLessThan(1e-5);
  });

  it("are decoded as diffusers decodes them", async () => {
    const feeds = { latents: stored(`${size} latents`) };
    const { pixels } = await run("decoder", { pixels: decoded }, feeds);
    if (pixels === undefined) throw new Error("no result");
    expect(relativeError(pixels, stored(`${size} decoded`))).toBeLessThan(1e-5);
  });
});

it("log-variances are kept within what diffusers keeps them", async () => {
  const shape = [8];
  const values = Float32Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? 1e3 : -1e3));
  const feeds = { pixels: stored("flat pixels"), "quant_conv.bias": { shape, values } };
  const { logVariance } = await run("encoder", { ...encoded }, feeds);
  expect(new Set(logVariance?.values)).toEqual(new Set([20, -30]));
});
