/** What PNGs say of how they were made, held against ComfyUI's own descriptions of its nodes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, expectTypeOf, it } from "vitest";
import { nodeClasses } from "../../../../src-main/core/diffusion/record/comfy-nodes.ts";
import {
  type PictureRecord,
  type PictureSettings,
  pictureTexts,
} from "../../../../src-main/core/diffusion/record/picture-record.ts";
import type { PictureSettings as ContractSettings } from "../../../../src-preload/contract/previews.ts";

interface Described {
  readonly inputs: readonly (readonly [string, string])[];
  readonly widgets: readonly string[];
  readonly outputs: readonly string[];
}

interface Reference {
  readonly magic: string;
  readonly version: number;
  readonly nodes: Readonly<Record<string, Described>>;
  readonly samplers: readonly string[];
  readonly schedulers: readonly string[];
}

const path = join(import.meta.dirname, "../../../fixtures/record/comfy-nodes.json");
const comfy = JSON.parse(readFileSync(path, "utf8")) as Reference;

const settings: PictureSettings = {
  prompt: "portrait of {a|the} man, (studio light:1.2)",
  negative: "blurry",
  seed: 2 ** 53 - 1,
  steps: 25,
  sampler: "dpmpp-2m",
  schedule: "karras",
  cfg: 6.5,
  rescale: 0.7,
  width: 832,
  height: 1216,
  clipSkip: 2,
  convention: "comfy",
};
const record: PictureRecord = {
  settings,
  model: {
    name: "sd_xl_base_1.0.safetensors",
    kind: "single-file",
    family: "sdxl",
    prediction: "velocity",
    zeroTerminalSnr: true,
    vae: "sdxl-vae-fp16-fix.safetensors",
    textFrom: null,
    sha256: "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b",
  },
  loras: [
    { file: "anna.safetensors", strength: 0.8, recipe: { space: "faces", coordinates: [1, -2] } },
    { file: "styles/ink.safetensors", strength: -1 },
  ],
};
const plain: PictureRecord = {
  settings: { ...settings, rescale: 0, clipSkip: null },
  model: { ...record.model, prediction: "epsilon", zeroTerminalSnr: false, vae: null },
  loras: [],
};

interface ApiNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface CanvasNode {
  readonly id: number;
  readonly type: string;
  readonly pos: readonly [number, number];
  readonly size: readonly [number, number];
  readonly order: number;
  readonly inputs: readonly { name: string; type: string; link: number | null }[];
  readonly outputs: readonly { type: string; links: readonly number[] }[];
  readonly widgets_values: readonly unknown[];
}

interface Workflow {
  readonly last_node_id: number;
  readonly last_link_id: number;
  readonly nodes: readonly CanvasNode[];
  readonly links: readonly (readonly [number, number, number, number, number, string])[];
  readonly version: number;
}

function parsed<T>(of: PictureRecord, keyword: string): T {
  return JSON.parse(pictureTexts(of).get(keyword) ?? "null") as T;
}

const prompt = (of: PictureRecord) => parsed<Record<string, ApiNode>>(of, "prompt");

function only(of: PictureRecord, type: string): ApiNode["inputs"] {
  const found = Object.values(prompt(of)).filter((node) => node.class_type === type);
  expect(found).toHaveLength(1);
  return found[0]?.inputs ?? {};
}

const variants: [string, PictureRecord][] = [
  ["everything", record],
  ["little", plain],
  ["a folder", { ...plain, model: { ...plain.model, kind: "diffusers", name: "sdxl" } }],
  [
    "a UNet alone",
    {
      ...record,
      model: {
        ...record.model,
        kind: "unet-only",
        textFrom: { name: "base.safetensors", kind: "single-file" },
      },
    },
  ],
];

it("the settings of the contract fit, once their sizes are known", () => {
  expectTypeOf<ContractSettings & { width: number; height: number }>().toExtend<PictureSettings>();
});

describe("ComfyUI's nodes", () => {
  it("are as ComfyUI describes them", () => {
    expect(comfy).toMatchObject({ magic: "facet-reference", version: 1 });
    const ours = Object.entries(nodeClasses).map(([name, { inputs, widgets, outputs }]) => [
      name,
      { inputs, widgets, outputs },
    ]);
    expect(Object.fromEntries(ours)).toEqual(comfy.nodes);
  });

  it.each(variants)("take all that they require: %s", (_, of) => {
    const nodes = prompt(of);
    for (const { class_type: type, inputs } of Object.values(nodes)) {
      const described = comfy.nodes[type];
      const names = [
        ...(described?.inputs.map(([name]) => name) ?? []),
        ...(described?.widgets ?? []),
      ];
      expect(Object.keys(inputs).toSorted()).toEqual(names.toSorted());
      for (const [name, kind] of described?.inputs ?? []) {
        const [from, slot] = inputs[name] as [string, number];
        expect(comfy.nodes[nodes[from]?.class_type ?? ""]?.outputs[slot]).toBe(kind);
      }
    }
  });

  it("know the names of samplers and schedules", () => {
    const samplers = ["euler", "euler-ancestral", "dpmpp-2m", "ddim", "unipc", "lcm"] as const;
    const schedules = ["normal", "karras", "simple", "sgm-uniform", "ddim-uniform"] as const;
    const sampled = (changes: Partial<PictureSettings>) =>
      only({ ...plain, settings: { ...settings, ...changes } }, "KSampler");
    const found = samplers.map((sampler) => sampled({ sampler })["sampler_name"]);
    expect(found).toEqual(["euler", "euler_ancestral", "dpmpp_2m", "ddim", "uni_pc", "lcm"]);
    expect(comfy.samplers).toEqual(expect.arrayContaining(found));
    for (const schedule of schedules)
      expect(comfy.schedulers).toContain(sampled({ schedule })["scheduler"]);
  });
});

describe("the prompt", () => {
  it("says what was sampled", () => {
    expect(only(record, "KSampler")).toMatchObject({
      seed: 2 ** 53 - 1,
      steps: 25,
      cfg: 6.5,
      sampler_name: "dpmpp_2m",
      scheduler: "karras",
      denoise: 1,
    });
    expect(only(record, "EmptyLatentImage")).toEqual({ width: 832, height: 1216, batch_size: 1 });
    const texts = Object.values(prompt(record)).filter(
      (node) => node.class_type === "CLIPTextEncode",
    );
    expect(texts.map(({ inputs }) => inputs["text"])).toEqual([settings.prompt, settings.negative]);
  });

  it("leads model and text encoders through every LoRA, and what changes them", () => {
    const nodes = prompt(record);
    // From the sampler back to the file.
    const along = (from: string, name: string): string[] => {
      const link = nodes[from]?.inputs[name] as [string, number] | undefined;
      if (link === undefined) return [];
      return [nodes[link[0]]?.class_type ?? "", ...along(link[0], name)];
    };
    const idOf = (type: string) =>
      Object.keys(nodes).find((id) => nodes[id]?.class_type === type) ?? "";
    const loaders = ["LoraLoader", "LoraLoader", "CheckpointLoaderSimple"];
    expect(along(idOf("KSampler"), "model")).toEqual([
      "RescaleCFG",
      "ModelSamplingDiscrete",
      ...loaders,
    ]);
    expect(along(idOf("CLIPTextEncode"), "clip")).toEqual(["CLIPSetLastLayer", ...loaders]);
    expect(only(record, "CLIPSetLastLayer")).toMatchObject({ stop_at_clip_layer: -2 });
    expect(only(record, "RescaleCFG")).toMatchObject({ multiplier: 0.7 });
    expect(only(record, "ModelSamplingDiscrete")).toMatchObject({
      sampling: "v_prediction",
      zsnr: true,
    });
    expect(only(record, "VAELoader")).toEqual({ vae_name: "sdxl-vae-fp16-fix.safetensors" });
    const names = Object.values(nodes).map(({ inputs }) => inputs["lora_name"]);
    expect(names.filter((name) => name !== undefined)).toEqual([
      "anna.safetensors",
      "styles/ink.safetensors",
    ]);
  });

  it("is the shortest that there is where nothing special was asked for", () => {
    expect(Object.values(prompt(plain)).map((node) => node.class_type)).toEqual([
      "CheckpointLoaderSimple",
      "CLIPTextEncode",
      "CLIPTextEncode",
      "EmptyLatentImage",
      "KSampler",
      "VAEDecode",
      "SaveImage",
    ]);
  });

  it("is left out where ComfyUI would make another picture", () => {
    const other: PictureRecord = { ...plain, settings: { ...settings, convention: "diffusers" } };
    expect(Array.from(pictureTexts(other).keys())).toEqual(["parameters", "facet"]);
  });
});

describe("the workflow", () => {
  it.each(variants)("asks for the same as the prompt: %s", (_, of) => {
    const { nodes, links, version } = parsed<Workflow>(of, "workflow");
    expect(version).toBe(0.4);
    const asked = nodes.map(({ id, type, inputs, widgets_values: values }) => {
      const widgets = (comfy.nodes[type]?.widgets ?? []).flatMap((name) =>
        name === "seed" ? [name, "control_after_generate"] : [name],
      );
      expect(values).toHaveLength(widgets.length);
      const given = widgets.map((name, index) => {
        const value = values[index];
        return [
          name,
          typeof value === "string" && name === "text" ? value.replace(/\\([{}|])/g, "$1") : value,
        ];
      });
      const linked = inputs.map(({ name, link }) => {
        const [, from, slot] = links.find(([own]) => own === link) ?? [];
        return [name, [String(from), slot]];
      });
      const { control_after_generate: after, ...own } = Object.fromEntries([...given, ...linked]);
      expect(after).toBe(type === "KSampler" ? "fixed" : undefined);
      return [id, { class_type: type, inputs: own }];
    });
    expect(Object.fromEntries(asked)).toEqual(prompt(of));
  });

  it.each(variants)("has links that both their ends know: %s", (_, of) => {
    const { nodes, links, ...last } = parsed<Workflow>(of, "workflow");
    expect(last).toMatchObject({ last_node_id: nodes.length, last_link_id: links.length });
    const byId = new Map(nodes.map((node) => [node.id, node]));
    for (const [id, from, slot, to, input, type] of links) {
      expect(byId.get(from)?.outputs[slot]?.links).toContain(id);
      expect(byId.get(from)?.outputs[slot]?.type).toBe(type);
      expect(byId.get(to)?.inputs[input]).toMatchObject({ link: id, type });
      expect(byId.get(from)?.order).toBeLessThan(byId.get(to)?.order ?? 0);
      expect(byId.get(from)?.pos[0]).toBeLessThan(byId.get(to)?.pos[0] ?? 0);
    }
    const known = nodes.flatMap(({ outputs }) => outputs.flatMap((output) => output.links));
    expect(known.toSorted((a, b) => a - b)).toEqual(links.map(([id]) => id));
  });

  it("lays no node over another", () => {
    const { nodes } = parsed<Workflow>(record, "workflow");
    for (const one of nodes)
      for (const other of nodes) {
        if (one === other) continue;
        const apart = [0, 1].some((axis) => {
          const [a, b] = [one, other].map(({ pos, size }) => {
            // The bar with the title lies above.
            const start = (pos[axis] ?? 0) - (axis === 1 ? 30 : 0);
            return { start, end: (pos[axis] ?? 0) + (size[axis] ?? 0) };
          });
          return a !== undefined && b !== undefined && (a.end < b.start || b.end < a.start);
        });
        expect(apart).toBe(true);
      }
  });
});

describe("A1111's parameters", () => {
  it("are the lines that it writes", () => {
    expect(pictureTexts(record).get("parameters")).toBe(
      [
        "portrait of {a|the} man, (studio light:1.2) <lora:anna:0.8> <lora:ink:-1>",
        "Negative prompt: blurry",
        "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 9007199254740991, Size: 832x1216, " +
          "Model hash: 31e35c80fc, Model: sd_xl_base_1.0, VAE: sdxl-vae-fp16-fix.safetensors, Clip skip: 2, " +
          "CFG rescale: 0.7, RNG: CPU, Version: Facet",
      ].join("\n"),
    );
  });

  it("quote what would end a value", () => {
    const model = { ...plain.model, name: "a, b: c.safetensors", sha256: null };
    const text = pictureTexts({ ...plain, model }).get("parameters");
    expect(text).toContain('Size: 832x1216, Model: "a, b: c", RNG');
  });
});

describe("Facet's own record", () => {
  it("has settings, names and recipes", () => {
    expect(parsed(record, "facet")).toEqual({ format: "facet-picture", version: 1, ...record });
  });

  it("and all others have no path in them", () => {
    const paths: PictureRecord = {
      settings: plain.settings,
      model: {
        ...record.model,
        kind: "unet-only",
        name: "/home/secret/models/x.safetensors",
        vae: "C:\\Users\\secret\\vae.safetensors",
        textFrom: { name: "~/secret/base/", kind: "diffusers" },
      },
      loras: [
        { file: "../../secret/anna.safetensors", strength: 1 },
        { file: "\\\\server\\secret\\anna.safetensors", strength: 1 },
      ],
    };
    for (const text of pictureTexts(paths).values()) expect(text).not.toContain("secret");
    expect(only(paths, "UNETLoader")).toMatchObject({ unet_name: "x.safetensors" });
    expect(only(paths, "DiffusersLoader")).toEqual({ model_path: "base" });
    expect(only(paths, "VAELoader")).toEqual({ vae_name: "vae.safetensors" });
  });
});
