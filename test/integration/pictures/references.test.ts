/** Whole pictures of the tiny models, held against those that ComfyUI and diffusers make of the same files. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type PictureEvent, PictureSettings } from "../../../src-preload/contract/previews.ts";
import type { Family } from "../../../src-main/core/diffusion/unet-config.ts";
import { type Engine, startEngine } from "../../../src-main/engine/client.ts";
import { writePictureDora, writePictureLora } from "../../support/models/picture-lora.ts";
import { type TinyCheckpoint, writeTinyCheckpoint } from "../../support/models/tiny.ts";
import { readTensorFile } from "../../support/safetensors.ts";

const Case = z.object({
  family: z.enum(["sdxl", "sd15"]),
  prompt: z.string(),
  negative: z.string(),
  width: z.int(),
  height: z.int(),
  seed: z.int(),
  steps: z.int(),
  cfg: z.number(),
  rescale: z.number().optional(),
  clipSkip: z.int().optional(),
  sampler: z.string().optional(),
  schedule: z.string().optional(),
  scheduler: z.string().optional(),
  options: z.record(z.string(), z.unknown()).default({}),
  /** Strength of test/support/models/picture-lora.ts. */
  lora: z.number().optional(),
  dora: z.number().optional(),
  marks: z.record(z.string(), z.array(z.int())).default({}),
});
type Case = z.infer<typeof Case>;

/** Of a byte: what rounding leaves of float32 in another order. */
const tolerance = 2;

const comfyNames: Readonly<Record<string, string>> = {
  euler: "euler",
  euler_ancestral: "euler-ancestral",
  dpmpp_2m: "dpmpp-2m",
  ddim: "ddim",
  uni_pc: "unipc",
  lcm: "lcm",
  normal: "normal",
  karras: "karras",
  simple: "simple",
  sgm_uniform: "sgm-uniform",
};

const diffusersNames: Readonly<Record<string, string>> = {
  EulerDiscreteScheduler: "euler",
  EulerAncestralDiscreteScheduler: "euler-ancestral",
  DPMSolverMultistepScheduler: "dpmpp-2m",
  DDIMScheduler: "ddim",
  UniPCMultistepScheduler: "unipc",
  LCMScheduler: "lcm",
};

function namesOf({ sampler, schedule, scheduler, options }: Case) {
  if (scheduler === undefined)
    return { sampler: comfyNames[sampler ?? ""], schedule: comfyNames[schedule ?? ""] };
  const trailing = options["timestep_spacing"] === "trailing";
  const karras = options["use_karras_sigmas"] === true;
  return {
    sampler: diffusersNames[scheduler],
    schedule: karras ? "karras" : trailing ? "sgm-uniform" : "normal",
  };
}

let folder: string;
let engine: Engine;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet-pictures-"));
  engine = startEngine("pictures");
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const written = new Map<string, string>();

function modelFor(family: Family, marks: Case["marks"]): string {
  const key = JSON.stringify([family, marks]);
  const path = written.get(key) ?? join(folder, `${family}-${written.size}.safetensors`);
  if (!written.has(key)) {
    const checkpoint: TinyCheckpoint = { family, extras: marks };
    writeTinyCheckpoint(path, checkpoint);
  }
  written.set(key, path);
  return path;
}

function lorasFor({ family, lora, dora }: Case) {
  const strength = lora ?? dora;
  if (strength === undefined) return [];
  const path = join(folder, `${family}-${dora === undefined ? "lora" : "dora"}.safetensors`);
  if (dora === undefined) writePictureLora(path, family, "kohya");
  else writePictureDora(path, family);
  const source = { kind: "file", path } as const;
  return [{ name: "lora", file: "lora.safetensors", source, strength, recipe: null }];
}

async function pixelsOf(path: string): Promise<Buffer> {
  return sharp(path).removeAlpha().raw().toBuffer();
}

describe.each(["comfy", "diffusers"] as const)("as %s makes them", (convention) => {
  const file = join(import.meta.dirname, `../../fixtures/pictures/${convention}.safetensors`);
  const { tensors, metadata } = readTensorFile(file);
  const cases = z.record(z.string(), Case).parse(JSON.parse(metadata["cases"] ?? ""));
  const prompts = z.record(z.string(), z.string()).parse(JSON.parse(metadata["prompts"] ?? ""));

  it.each(Object.entries(cases))("%s", { timeout: 60_000 }, async (name, one) => {
    expect(metadata).toMatchObject({ magic: "facet-reference", version: "1" });
    const settings = PictureSettings.parse({
      ...one,
      ...namesOf(one),
      prompt: prompts[one.prompt],
      negative: prompts[one.negative],
      convention,
    });
    const events: PictureEvent[] = [];
    const stream = await engine.client.makePicture({
      slot: name,
      model: { path: modelFor(one.family, one.marks), vae: null, textFrom: null },
      loras: lorasFor(one),
      settings,
      to: folder,
    });
    for await (const event of stream) events.push(event);
    const last = events.at(-1);
    if (last?.kind !== "done") throw new Error(`ended with ${last?.kind ?? "nothing"}`);
    expect(last.picture).toMatchObject({ width: one.width, height: one.height, steps: one.steps });

    const found = await pixelsOf(last.picture.path);
    const expected = tensors.get(`${name}.pixels`)?.values;
    expect(found.length).toBe(expected?.length);
    const differences = Array.from(found, (value, at) => Math.abs(value - Number(expected?.[at])));
    const span = Math.max(...found) - Math.min(...found);
    expect(span).toBeGreaterThanOrEqual(100);
    expect(Math.max(...differences)).toBeLessThanOrEqual(tolerance);
  });
});
