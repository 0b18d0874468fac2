/** LoRAs as inputs of tiny networks of both families, held against what peft and ComfyUI make of the same matrices. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clipInputs, clipTextModel } from "../../src-main/core/diffusion/clip.ts";
import { lowRankInputs } from "../../src-main/core/diffusion/low-rank.ts";
import { unet } from "../../src-main/core/diffusion/unet.ts";
import type { Family } from "../../src-main/core/diffusion/unet-config.ts";
import { input, weight } from "../../src-main/core/graph/build/index.ts";
import type { Parameters } from "../../src-main/core/graph/layers/index.ts";
import { graphOf, type Node } from "../../src-main/core/graph/node.ts";
import { modelModules } from "../../src-main/core/lora/architecture/index.ts";
import { componentOf } from "../../src-main/core/lora/architecture/names.ts";
import { LoraStacks, type Stack, type StackedLora } from "../../src-main/core/lora/stack.ts";
import { openSession, type Tensors } from "../../src-main/engine/session.ts";
import { type FormulaLora, formulaLora } from "../support/models/formula-loras.ts";
import { tinyConfigs, tinyTensors } from "../support/models/tiny.ts";
import { relativeError } from "../support/networks/references.ts";
import { readTensorFile } from "../support/safetensors.ts";

type NetworkName = "unet" | "text_encoder" | "text_encoder_2";
type Build = (parameters: Parameters) => Readonly<Record<string, Node>>;

/** What make.py computed, and what it was given. */
function stored(family: Family) {
  const path = join(import.meta.dirname, `../fixtures/live-lora/${family}.safetensors`);
  const { tensors, metadata } = readTensorFile(path);
  expect(metadata).toMatchObject({ magic: "facet-reference", version: "1" });
  return (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`The references lack ${name}.`);
    return tensor;
  };
}

const known = new Map<string, ReturnType<typeof tinyTensors>>();
function tensorsOf(family: Family, component: NetworkName) {
  const key = `${family} ${component}`;
  const tensors = known.get(key) ?? tinyTensors(family, component);
  known.set(key, tensors);
  return tensors;
}

function weightsOf(family: Family, component: NetworkName): Parameters {
  const tensors = tensorsOf(family, component);
  return (name, shape) => {
    const values = tensors.get(name)?.values ?? new Float32Array(0);
    return weight(name, shape, { kind: "bytes", bytes: new Uint8Array(values.buffer) });
  };
}

function buildUnet(family: Family): Build {
  const config = tinyConfigs[family].unet;
  return (parameters) => ({
    unet: unet(config, parameters, {
      latent: input("latent", ["batch", 4, 8, 16]),
      times: input("times", ["batch"]),
      context: input("context", ["batch", "tokens", config.context]),
      ...(config.addition !== undefined && {
        addition: {
          pooled: input("pooled", ["batch", config.addition - 6 * 256]),
          sizes: input("sizes", ["batch", 6]),
        },
      }),
    }),
  });
}

function buildClip(family: Family, component: NetworkName): Build {
  const config = tinyConfigs[family].textEncoders.find((each) => each.component === component);
  if (config === undefined) throw new Error(`${family} has no ${component}`);
  return (parameters) => {
    const { final, pooled } = clipTextModel(config, parameters, clipInputs(config));
    return { [component]: final, ...(config.projection !== undefined && { pooled }) };
  };
}

function feedsOf(family: Family, component: NetworkName): Tensors {
  const reference = stored(family);
  if (component === "unet") {
    const names = ["latent", "times", "context", ...(family === "sdxl" ? ["pooled", "sizes"] : [])];
    return Object.fromEntries(names.map((name) => [name, reference(name)]));
  }
  const ids = reference("ids");
  const config = tinyConfigs[family].textEncoders.find((each) => each.component === component);
  const width = config?.width ?? 0;
  return {
    ids: { shape: ids.shape, values: Int32Array.from(ids.values) },
    extra: { shape: [1, width], values: new Float32Array(width) },
    ...(config?.projection !== undefined && { ends: { shape: [1], values: Int32Array.of(20) } }),
  };
}

const attention = (path: string) => /attn/.test(path);
const stacks: Readonly<Record<string, readonly (FormulaLora & { strength: number })[]>> = {
  one: [{ rank: 4, strength: 1 }],
  two: [
    { rank: 4, strength: 0.8 },
    { rank: 3, strength: -0.5, number: 1, has: attention },
  ],
  dora: [{ rank: 4, strength: 1, dora: "rows" }],
  "dora-comfy": [{ rank: 4, strength: 0.7, dora: "mixed" }],
};

const cases: readonly (readonly [Family, NetworkName])[] = [
  ["sdxl", "unet"],
  ["sdxl", "text_encoder"],
  ["sdxl", "text_encoder_2"],
  ["sd15", "unet"],
  ["sd15", "text_encoder"],
];

describe.each(cases)("%s %s", (family, component) => {
  const config = tinyConfigs[family];
  const reference = stored(family);
  const build = component === "unet" ? buildUnet(family) : buildClip(family, component);
  const given = feedsOf(family, component);
  const weights = (path: string): Float32Array => {
    const { component: own, path: rest } = componentOf(path);
    const tensor = tensorsOf(family, own).get(`${rest}.weight`);
    if (tensor === undefined) throw new Error(`${path} has no weight`);
    return tensor.values;
  };

  function stackOf(loras: readonly StackedLora[], doraNorm: "comfy" | "sum" = "comfy"): Stack {
    return new LoraStacks(modelModules(config), { weight: weights, doraNorm }).stack(loras);
  }

  function lorasOf(name: string): StackedLora[] {
    return (stacks[name] ?? []).map(({ strength, has = () => true, ...lora }) => ({
      lora: formulaLora(config, {
        ...lora,
        has: (path) => path.startsWith(`${component}.`) && has(path),
      }),
      name,
      strength,
    }));
  }

  const open = (scaled: boolean) =>
    openSession(
      graphOf(build(lowRankInputs(weightsOf(family, component), component, { scaled }))),
      {
        provider: "cpu",
        threads: 1,
      },
    );

  function feedsWith(stack: Stack): Tensors {
    return { ...given, ...stack.components.get(component)?.feeds };
  }

  it("gives what peft gives with one LoRA and with two, from one session", async () => {
    await using session = await open(false);
    for (const name of ["plain", "one", "two"]) {
      const found = await session.run(feedsWith(stackOf(lorasOf(name))));
      for (const [output, tensor] of Object.entries(found)) {
        const text = tensor.shape.length === 3 ? firstTokens(tensor) : tensor;
        expect(
          relativeError(text, reference(`${output}:${name}`)),
          `${output} ${name}`,
        ).toBeLessThan(1e-5);
      }
    }
  });

  it("gives what peft and ComfyUI give with a DoRA", async () => {
    await using session = await open(true);
    for (const [name, norm] of [
      ["plain", "comfy"],
      ["dora", "sum"],
      ["dora-comfy", "comfy"],
    ] as const) {
      const stack = stackOf(name === "plain" ? doraAtZero() : lorasOf(name), norm);
      expect(stack.components.get(component)?.scaled).toBe(true);
      const found = await session.run(feedsWith(stack));
      for (const [output, tensor] of Object.entries(found)) {
        const text = tensor.shape.length === 3 ? firstTokens(tensor) : tensor;
        expect(
          relativeError(text, reference(`${output}:${name}`)),
          `${output} ${name}`,
        ).toBeLessThan(1e-5);
      }
    }
  });

  function doraAtZero(): StackedLora[] {
    return lorasOf("dora").map((lora) => ({ ...lora, strength: 0 }));
  }

  it("is the network itself without LoRAs and at strength 0", async () => {
    await using plain = await openSession(graphOf(build(weightsOf(family, component))), {
      provider: "cpu",
      threads: 1,
    });
    await using session = await open(false);
    const expected = await plain.run(given);
    const [lora] = lorasOf("one");
    if (!lora) throw new Error("no LoRA");
    const faint = { ...lora, strength: 1e-30, textStrength: 1e-30 };
    const none = await session.run(feedsWith(stackOf([])));
    for (const stack of [stackOf([{ ...lora, strength: 0 }]), stackOf([faint])]) {
      expect(await session.run(feedsWith(stack))).toEqual(none);
    }
    // The runtime adds a residual while it convolves, which it cannot where a LoRA stands between: another order.
    if (component !== "unet") expect(none).toEqual(expected);
    for (const [name, tensor] of Object.entries(none)) {
      const own = expected[name];
      if (own) expect(relativeError(tensor, own)).toBeLessThan(5e-6);
    }
  });
});

/** The stored part of a text encoder's result. */
function firstTokens({ shape, values }: { shape: readonly number[]; values: unknown }) {
  const [n = 0, , width = 0] = shape;
  return { shape: [n, 24, width], values: (values as Float32Array).slice(0, n * 24 * width) };
}
