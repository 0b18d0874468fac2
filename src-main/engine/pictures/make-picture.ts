/** One picture from its order: prompts, LoRAs, steps, decoding, file. */
import { basename } from "node:path";
import type { PictureOrder } from "../../../src-preload/contract/engine.ts";
import type { Picture, PictureEvent } from "../../../src-preload/contract/previews.ts";
import { guides } from "../../core/diffusion/guidance.ts";
import {
  fitLatentPreview,
  type PreviewFactors,
  previewLatents,
  publishedPreview,
} from "../../core/diffusion/latent-preview.ts";
import type { Planes } from "../../core/diffusion/planes.ts";
import { sample } from "../../core/diffusion/samplers/sample.ts";
import { type Plan, planOf } from "../../core/diffusion/schedule/plan.ts";
import type { PictureRecord } from "../../core/diffusion/record/picture-record.ts";
import { sizeConditioning } from "../../core/diffusion/sizes.ts";
import { FacetError } from "../../core/errors.ts";
import { latentChannels } from "../../core/diffusion/unet-config.ts";
import { decode } from "./decoder.ts";
import { denoiser, Predictions } from "./denoiser.ts";
import { stepPreview, writePicture } from "./encode-picture.ts";
import type { LoraFeeds } from "./lora-feeds.ts";
import { feedsOf } from "./lora-feeds.ts";
import type { LoraMatrices } from "./lora-matrices.ts";
import type { MountedModel } from "./mounted-model.ts";
import type { Mounts } from "./mounts.ts";
import type { Compute } from "./networks.ts";
import { pictureSize, type Size } from "./picture-size.ts";
import { PromptReader } from "./prompt-reader.ts";
import { Superseded } from "./slots.ts";

/** What one picture leaves for the next. */
export class PictureCaches {
  readonly prompts = new PromptReader();
  readonly predictions = new Predictions();
}

export interface PictureServices {
  readonly mounts: Mounts;
  readonly matrices: LoraMatrices;
  readonly caches: PictureCaches;
  /** Hears what arrived meanwhile, and throws where nobody waits for this picture any more. */
  readonly check: () => Promise<void>;
  readonly report: (event: Extract<PictureEvent, { kind: "preparing" | "step" }>) => void;
}

/** On the next provider, or in its other type, where one gives up while it runs; the picture's notes say so. */
export async function makePicture(
  order: PictureOrder,
  services: PictureServices,
): Promise<Picture> {
  const notes: string[] = [];
  for (;;) {
    try {
      const picture = await makeOnce(order, services);
      return { ...picture, notes: [...notes, ...picture.notes] };
    } catch (error) {
      if (!(error instanceof Error) || !isRuntimes(error)) throw error;
      const note = services.mounts.get(order.model).giveUp(error);
      if (note === null) throw error;
      notes.push(note);
    }
  }
}

/** The runtime's own words have no class of ours. */
function isRuntimes(error: Error): boolean {
  const ours = error instanceof FacetError || error instanceof Superseded;
  return !ours && !error.message.startsWith("Assertion failed");
}

async function makeOnce(order: PictureOrder, services: PictureServices): Promise<Picture> {
  const started = performance.now();
  const { settings } = order;
  const { mounts, matrices, caches, check, report } = services;
  const prepare = async (doing: string) => {
    report({ kind: "preparing", doing });
    await check();
  };
  await prepare("Opening the model");
  const model = mounts.get(order.model);
  const { config } = model.checkpoint;
  const size = pictureSize(settings, model);
  const plan = planOf({ ...settings, ...config });

  let decodeTime = 0;
  const loras = [];
  for (const { source, name, strength } of order.loras) {
    await prepare(`Making ${name}`);
    const { lora, milliseconds } = await matrices.get(source);
    decodeTime += milliseconds;
    loras.push({ lora, name, strength });
  }
  const changed = performance.now();
  const feeds = feedsOf(loras, model, settings.convention);
  const change = performance.now() - changed;

  await prepare("Reading the prompt");
  const read = await caches.prompts.read(
    model,
    {
      ...settings,
      negative: guides({ ...settings, scale: settings.cfg }) ? settings.negative : null,
      embeddings: loras.flatMap(({ lora, strength }) => (strength === 0 ? [] : lora.embeddings)),
    },
    feeds,
  );

  await prepare("Opening the UNet");
  const opening = performance.now();
  const factors = await previewFactors(model, check);
  const run = { order, model, size, plan, feeds, read, factors, services };
  const { latents, provider, notes, sessions } = await sampled(run, opening);
  const { pixels, notes: decoding } = await decode(model, latents, check);
  await check();
  const record = recordOf(order, model, size);
  const { path, sha256 } = await writePicture(pixels, record, order.to);
  return {
    sha256,
    path,
    width: size.width,
    height: size.height,
    seconds: (performance.now() - started) / 1000,
    steps: settings.steps,
    provider,
    loras: feeds.applied,
    before: { decode: decodeTime, change, text: read.milliseconds, sessions },
    notes: [...read.texts.notes, ...feeds.notes, ...notes, ...decoding],
  };
}

interface Run {
  readonly order: PictureOrder;
  readonly model: MountedModel;
  readonly size: Size;
  readonly plan: Plan;
  readonly feeds: LoraFeeds;
  readonly read: Awaited<ReturnType<PromptReader["read"]>>;
  readonly factors: PreviewFactors;
  readonly services: PictureServices;
}

interface Sampled {
  readonly latents: Planes;
  readonly provider: string;
  readonly notes: readonly string[];
  /** Milliseconds in which the UNet was opened. */
  readonly sessions: number;
}

/** In the provider's own type; once more in F32 where halves overflowed. */
async function sampled(run: Run, opening: number): Promise<Sampled> {
  try {
    return await sampledIn(run, run.model.compute, opening);
  } catch (error) {
    const overflow = error instanceof FacetError && error.code === "not-finite";
    if (!overflow || run.model.compute === "F32") throw error;
    const again = await sampledIn(run, "F32", opening);
    const note = "Half precision overflowed in the UNet; the picture was made in F32.";
    return { ...again, notes: [note] };
  }
}

async function sampledIn(run: Run, compute: Compute, opening: number): Promise<Sampled> {
  const { order, model, size, plan, feeds, read, factors, services } = run;
  const { settings } = order;
  const { rows, columns } = size;
  const lowRank = feeds.of("unet");
  const batch = read.texts.negative === null ? 1 : 2;
  const sizes = new Map([
    ...lowRank.sizes,
    ["batch", batch],
    ["tokens", read.texts.positive.tokens],
    ["rows", rows / size.multiple],
    ["columns", columns / size.multiple],
  ] as const);
  using opened = await model.unet(lowRank.adapted, sizes, compute);
  const sessions = performance.now() - opening;
  const shape = [latentChannels, rows, columns] as const;
  const denoise = denoiser({
    session: opened.session,
    shape,
    texts: read.texts,
    sizes: model.checkpoint.config.unet.addition === undefined ? null : sizeConditioning(size),
    loras: lowRank.feeds,
    guidance: { ...settings, prediction: plan.prediction, scale: settings.cfg },
    predictions: services.caches.predictions,
    key: JSON.stringify([
      model.key,
      compute,
      opened.provider,
      feeds.key,
      read.key,
      size,
      settings.cfg,
      settings.rescale,
    ]),
  });
  let last = performance.now();
  const values = await sample({
    plan,
    seed: settings.seed,
    count: shape.reduce((product, one) => product * one, 1),
    denoise: async (input) => {
      await services.check();
      return denoise(input);
    },
    onStep: async (step, denoised) => {
      const now = performance.now();
      const image =
        step === plan.steps.length - 1
          ? null
          : await stepPreview({ shape: [1, ...shape], values: denoised }, factors);
      services.report({
        kind: "step",
        step: step + 1,
        steps: plan.steps.length,
        image,
        secondsPerStep: (now - last) / 1000,
      });
      last = now;
    },
  });
  return {
    latents: { shape: [1, ...shape], values },
    provider: opened.provider,
    notes: [],
    sessions,
  };
}

/** The published ones, or fitted once to a VAE of other sizes: a decode of a small latent. */
async function previewFactors(
  model: MountedModel,
  check: () => Promise<void>,
): Promise<PreviewFactors> {
  const { vae } = model;
  model.preview ??= publishedPreview(model.checkpoint.config.family, vae) ?? null;
  if (model.preview === null) {
    const latents = previewLatents(vae);
    const { pixels } = await decode(model, latents, check);
    model.preview = fitLatentPreview(latents, pixels);
  }
  return model.preview;
}

function recordOf(
  { settings, model: place, loras }: PictureOrder,
  model: MountedModel,
  size: Size,
): PictureRecord {
  const { checkpoint } = model;
  const { config, kind, path } = checkpoint;
  return {
    settings: { ...settings, width: size.width, height: size.height },
    model: {
      name: basename(path),
      kind,
      family: config.family,
      prediction: config.prediction,
      zeroTerminalSnr: config.zeroTerminalSnr,
      vae: place.vae === null ? null : basename(place.vae),
      textFrom:
        place.textFrom === null
          ? null
          : {
              name: basename(place.textFrom),
              kind: place.textFrom.endsWith(".safetensors") ? "single-file" : "diffusers",
            },
      sha256: place.sha256,
    },
    loras: loras.map(({ file, strength, recipe }) => ({ file, strength, recipe })),
  };
}
