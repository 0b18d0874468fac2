/** Pictures of identities: asked for by slot, the newest request of a slot wins. */
import { eventIterator, oc } from "@orpc/contract";
import { z } from "zod";
import { LoraId } from "./common.ts";
import { Draft } from "./identities.ts";
import { ModelId } from "./models.ts";

export const Sampler = z.enum(["euler", "euler-ancestral", "dpmpp-2m", "ddim", "unipc", "lcm"]);
export type Sampler = z.infer<typeof Sampler>;

/** Spacing of the steps; names are ComfyUI's. */
export const Schedule = z.enum(["normal", "karras", "simple", "sgm-uniform"]);
export type Schedule = z.infer<typeof Schedule>;

export const Convention = z.enum(["comfy", "diffusers"]);
export type Convention = z.infer<typeof Convention>;

export const PictureSettings = z.object({
  prompt: z.string().max(20_000).default(""),
  negative: z.string().max(20_000).default(""),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
  steps: z.int().min(1).max(150).default(20),
  sampler: Sampler.default("euler"),
  schedule: Schedule.default("normal"),
  /** 1 skips the negative prompt. */
  cfg: z.number().min(0).max(30).default(6),
  /** 0 leaves guidance as it is, 1 gives it the deviation of the conditional prediction. */
  rescale: z.number().min(0).max(1).default(0),
  /** Pixels; null for the model's own size. */
  width: z.int().min(16).max(4096).nullable().default(null),
  height: z.int().min(16).max(4096).nullable().default(null),
  /** Text encoder layers left out at the end, as A1111 and ComfyUI count; null for the family's own. */
  clipSkip: z.int().min(1).max(12).nullable().default(null),
  convention: Convention.default("comfy"),
});
export type PictureSettings = z.infer<typeof PictureSettings>;

const strength = z.number().min(-10).max(10).default(1);

export const PictureLora = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("library"), id: LoraId, strength }),
  z.object({ kind: z.literal("file"), path: z.string().min(1), strength }),
  z.object({ kind: z.literal("draft"), draft: Draft, strength }),
]);
export type PictureLora = z.input<typeof PictureLora>;

export const Applied = z.object({
  name: z.string(),
  /** Modules of this model that take the LoRA's matrices, and modules the LoRA has. */
  applied: z.int(),
  total: z.int(),
});

export const Picture = z.object({
  /** The PNG, with settings and recipes inside: served at `/picture/<sha256>.png`. */
  sha256: z.string(),
  path: z.string(),
  width: z.int(),
  height: z.int(),
  seconds: z.number(),
  steps: z.int(),
  provider: z.string(),
  loras: z.array(Applied),
  /** Milliseconds of what came before the first step. */
  before: z.object({
    /** Making matrices of what was not decoded yet. */
    decode: z.number(),
    /** Putting them into the model's inputs. */
    change: z.number(),
    text: z.number(),
    sessions: z.number(),
  }),
  /** What its viewer should know: precision raised after an overflow, tiles, matrices that found no place. */
  notes: z.array(z.string()),
});
export type Picture = z.infer<typeof Picture>;

export const PictureEvent = z.discriminatedUnion("kind", [
  /** What is being done before the first step, in words. */
  z.object({ kind: z.literal("preparing"), doing: z.string() }),
  z.object({
    kind: z.literal("step"),
    step: z.int(),
    steps: z.int(),
    /** A small WebP, base64; null on steps without a preview. */
    image: z.string().nullable(),
    secondsPerStep: z.number(),
  }),
  z.object({ kind: z.literal("done"), picture: Picture }),
  /** A newer request took the slot, or it was cancelled. */
  z.object({ kind: z.literal("superseded") }),
]);
export type PictureEvent = z.infer<typeof PictureEvent>;

export const PictureRequest = z.object({
  /** One picture is made for a slot at a time. */
  slot: z.string().min(1).max(100),
  /** Left out: the only usable model, or the one used last. */
  model: ModelId.optional(),
  loras: z.array(PictureLora).max(16).default([]),
  settings: PictureSettings.prefault({}),
});
export type PictureRequest = z.input<typeof PictureRequest>;

/** Since the engine that makes pictures started: a slider that moves opens no session. */
export const PictureCounters = z.object({
  pictures: z.int(),
  steps: z.int(),
  sessionsOpened: z.int(),
});
export type PictureCounters = z.infer<typeof PictureCounters>;

export const previews = {
  make: oc.input(PictureRequest).output(eventIterator(PictureEvent)),
  cancel: oc.input(z.object({ slot: z.string() })).output(z.object({ found: z.boolean() })),
  counters: oc.output(PictureCounters),
};
