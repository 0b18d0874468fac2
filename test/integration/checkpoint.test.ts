/** Tiny checkpoints on disk, read by byte ranges and run on ONNX Runtime: what the formula and diffusers say they hold. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type {
  Checkpoint,
  ModelComponent,
  StoredWeight,
} from "../../src-main/core/checkpoint/checkpoint.ts";
import { describeCheckpoint } from "../../src-main/core/checkpoint/describe.ts";
import { checkpointParameters } from "../../src-main/core/checkpoint/parameters.ts";
import { unet } from "../../src-main/core/diffusion/unet.ts";
import { families, type Family } from "../../src-main/core/diffusion/unet-config.ts";
import { cast, input, weight } from "../../src-main/core/graph/build/index.ts";
import { linear, type Parameters } from "../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../src-main/core/graph/node.ts";
import type { ByteSource } from "../../src-main/core/formats/source.ts";
import { fromFloat32, toFloat32 } from "../../src-main/core/tensor/convert.ts";
import type { SessionOptions } from "../../src-main/engine/session.ts";
import { openCheckpoint } from "../../src-main/files/checkpoint-files.ts";
import { openFileSource } from "../../src-main/files/source.ts";
import {
  type TinyCheckpoint,
  tinyConfigs,
  tinyTensors,
  writeTinyCheckpoint,
} from "../support/models/tiny.ts";
import { relativeError } from "../support/networks/references.ts";
import { runGraph } from "../support/run-graph.ts";
import { readTensorFile } from "../support/safetensors.ts";

const folder = mkdtempSync(join(tmpdir(), "facet-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true }));

const known = new Map<string, ReturnType<typeof tinyTensors>>();
function formula(family: Family, component: ModelComponent): ReturnType<typeof tinyTensors> {
  const key = `${family} ${component}`;
  const tensors = known.get(key) ?? tinyTensors(family, component);
  known.set(key, tensors);
  return tensors;
}

let written = 0;
function open(checkpoint: TinyCheckpoint): Checkpoint {
  const path = join(
    folder,
    `${written++}${checkpoint.layout === "diffusers" ? "" : ".safetensors"}`,
  );
  writeTinyCheckpoint(path, checkpoint);
  return describeCheckpoint(openCheckpoint(path));
}

/** A weight's range, as the network is to see it. */
function valuesOf(file: ByteSource, stored: StoredWeight): Float32Array {
  const { offset, length, dtype, shape, transposed } = stored;
  const values = toFloat32(file.read(offset, length), dtype);
  if (!transposed) return values;
  const [rows = 0, columns = 0] = shape;
  return values.map(
    (_, index) => values[(index % columns) * rows + Math.floor(index / columns)] ?? NaN,
  );
}

const layouts: readonly (readonly [string, Omit<TinyCheckpoint, "family">])[] = [
  ["a single file", {}],
  ["a single file at odd bytes", { unaligned: true, dtype: "F16" }],
  ["a single file in bf16", { dtype: "BF16" }],
  ["a diffusers folder", { layout: "diffusers" }],
  ["a diffusers folder of a variant", { layout: "diffusers", dtype: "F16", variant: "fp16" }],
  ["a sharded diffusers folder", { layout: "diffusers", shards: 3 }],
  [
    "a sharded diffusers folder of a variant",
    { layout: "diffusers", dtype: "F16", variant: "fp16", shards: 2 },
  ],
  ["a diffusers folder of transformers 5", { layout: "diffusers", withoutTextModel: true }],
];

describe.each(families)("%s", (family) => {
  it.each(layouts)("is read from %s: every parameter's own bytes", (_, options) => {
    const { components, config } = open({ family, ...options });
    expect(config).toEqual(tinyConfigs[family]);
    using files = new DisposableStack();
    const opened = new Map<string, ByteSource>();
    for (const [component, weights] of components) {
      for (const [name, { values }] of formula(family, component)) {
        const stored = weights.get(name);
        if (stored === undefined) throw new Error(`no ${name}`);
        const file = opened.get(stored.path) ?? files.use(openFileSource(stored.path));
        opened.set(stored.path, file);
        const bytes = fromFloat32(values, options.dtype ?? "F32", name).slice();
        const wanted = Buffer.from(toFloat32(bytes, stored.dtype).buffer);
        // Not element by element, which takes minutes for the tables of words.
        expect(wanted.equals(Buffer.from(valuesOf(file, stored).buffer)), name).toBe(true);
      }
    }
  });
});

function noiseOf(family: Family, parameters: Parameters): Node {
  const config = tinyConfigs[family].unet;
  return unet(config, parameters, {
    latent: input("latent", [1, 4, 16, 8]),
    times: input("times", [1]),
    context: input("context", [1, 7, config.context]),
    ...(family === "sdxl"
      ? { addition: { pooled: input("pooled", [1, 64]), sizes: input("sizes", [1, 6]) } }
      : {}),
  });
}

/** The formula's values in memory, of the type of a file. */
function fromMemory(family: Family, dtype: "F32" | "F16" | "BF16"): Parameters {
  const tensors = formula(family, "unet");
  return (name, shape) => {
    const values = tensors.get(name)?.values ?? new Float32Array(0);
    const bytes = fromFloat32(values, dtype, name);
    const node = weight(name, shape, { kind: "bytes", bytes }, dtype);
    return dtype === "F32" ? node : cast(node, "F32");
  };
}

describe.each(families)("the UNet of %s on ONNX Runtime", (family) => {
  const path = join(import.meta.dirname, `../fixtures/models/unet-${family}.safetensors`);
  const { tensors, metadata } = readTensorFile(path);
  const { noise, ...feeds } = Object.fromEntries(tensors);
  if (noise === undefined) throw new Error("the reference lacks its result");

  async function predicted(parameters: Parameters, options: Partial<SessionOptions> = {}) {
    const graph = graphOf({ found: noiseOf(family, parameters) });
    const { found } = await runGraph(graph, feeds, options);
    if (found === undefined) throw new Error("the graph gave nothing");
    return found;
  }

  it.each([
    [{}, 1e-5],
    [{ layout: "diffusers", shards: 2 }, 1e-5],
    [{ dtype: "F16", unaligned: true }, 5e-3],
    [{ dtype: "BF16" }, 5e-2],
    [{ layout: "diffusers", dtype: "F16", variant: "fp16" }, 5e-3],
  ] as [Partial<TinyCheckpoint>, number][])(
    "from %o is that of the formula, and near diffusers'",
    async (options, near) => {
      expect(metadata).toMatchObject({ magic: "facet-reference", version: "1" });
      const checkpoint = open({ family, components: ["unet"], ...options });
      const found = await predicted(checkpointParameters(checkpoint, "unet", "F32"));
      const same = await predicted(fromMemory(family, options.dtype ?? "F32"));
      expect(found.values).toEqual(same.values);
      expect(relativeError(found, noise)).toBeLessThan(near);
    },
  );

  it.each(["F16", "BF16"] as const)("is the same with weights kept in %s", async (dtype) => {
    const parameters = checkpointParameters(
      open({ family, dtype, components: ["unet"], unaligned: true }),
      "unet",
      "F32",
    );
    const once = await predicted(parameters, { keepHalves: false });
    // Other kernels for products whose right operand is not known before, hence other roundings.
    const eachRun = await predicted(parameters, { keepHalves: true });
    const values = Float32Array.from(Array.from<number | bigint>(once.values), Number);
    const expected = { dtype: "F32", shape: once.shape, values };
    expect(relativeError(eachRun, expected)).toBeLessThan(1e-5);
  });
});

it("a text projection that lies transposed in its file gives what it should", async () => {
  const rows = Float32Array.from({ length: 3 * 64 }, (_, index) => Math.sin(index));
  const wanted = formula("sdxl", "text_encoder_2").get("text_projection.weight")?.values;
  const values = Float32Array.from({ length: 3 * 64 }, (_, at) => {
    const row = Math.floor(at / 64) * 64;
    let sum = 0;
    for (let k = 0; k < 64; k++) sum += (rows[row + k] ?? 0) * (wanted?.[(at % 64) * 64 + k] ?? 0);
    return sum;
  });
  const expected = { dtype: "F32", shape: [3, 64], values };
  for (const layout of ["single-file", "diffusers"] as const) {
    const components = ["unet", "text_encoder", "text_encoder_2"] as const;
    const checkpoint = open({ family: "sdxl", layout, components });
    const parameters = checkpointParameters(checkpoint, "text_encoder_2", "F32");
    const result = linear(
      (_, ...rest) => parameters("text_projection.weight", ...rest),
      input("x", [3, 64]),
      64,
      { bias: false },
    );
    const { found } = await runGraph(graphOf({ found: result }), {
      x: { shape: [3, 64], values: rows },
    });
    if (found === undefined) throw new Error("the graph gave nothing");
    expect(relativeError(found, expected)).toBeLessThan(1e-6);
  }
});

it("a checkpoint whose files are links out of their folder, as in a cache of downloads, runs", async () => {
  const real = join(folder, "blobs");
  writeTinyCheckpoint(real, { family: "sd15", layout: "diffusers", components: ["unet"] });
  const links = join(folder, "snapshot");
  mkdirSync(join(links, "unet"), { recursive: true });
  for (const name of ["config.json", "diffusion_pytorch_model.safetensors"])
    symlinkSync(join(real, "unet", name), join(links, "unet", name));
  const checkpoint = describeCheckpoint(openCheckpoint(links));
  expect(checkpoint.kind).toBe("unet-only");
  const parameters = checkpointParameters(checkpoint, "unet", "F32");
  const path = join(import.meta.dirname, "../fixtures/models/unet-sd15.safetensors");
  const { noise, ...feeds } = Object.fromEntries(readTensorFile(path).tensors);
  const { found } = await runGraph(graphOf({ found: noiseOf("sd15", parameters) }), feeds);
  if (found === undefined || noise === undefined) throw new Error("the graph gave nothing");
  expect(relativeError(found, noise)).toBeLessThan(1e-5);
});
