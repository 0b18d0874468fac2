/** Pictures and models without a network behind them: faces drawn from numbers, steps that take their time. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { ORPCError } from "@orpc/server";
import sharp from "sharp";
import type { z } from "zod";
import type { Model } from "../../src-preload/contract/models.ts";
import type { PictureEvent, PictureRequest } from "../../src-preload/contract/previews.ts";

type Request = z.output<typeof PictureRequest>;

/** Finished pictures by their hash, as the host serves them. */
export const fakePictures = new Map<string, Buffer>();

const STEP_MS = 120;
const SIDE = 768;

/** A face that moves with the numbers: hair, skin, eyes, mouth, width. */
function face(values: readonly number[], seed: number): string {
  const at = (i: number): number => Math.tanh((values[i] ?? 0) / 2);
  const hue = 24 + 14 * at(0);
  const skin = `hsl(${hue} ${48 + 12 * at(1)}% ${64 + 16 * at(2)}%)`;
  const shade = `hsl(${hue} ${44 + 12 * at(1)}% ${54 + 14 * at(2)}%)`;
  const hair = `hsl(${22 + 14 * at(3)} ${48 + 20 * at(4)}% ${26 + 18 * at(5)}%)`;
  const shirt = `hsl(${(seed * 47) % 360} 38% 46%)`;
  const ground = `hsl(${(seed * 91) % 360} 8% 58%)`;
  const eye = `hsl(${120 + 100 * at(6)} 34% 32%)`;
  const wide = 116 + 18 * at(7);
  const long = 150 + 14 * at(8);
  const open = 14 + 6 * at(9);
  const smile = 18 + 22 * at(10);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">
    <rect width="400" height="400" fill="${ground}"/>
    <path d="M200 52c-${wide + 32} 0-${wide + 34} 96-${wide + 26} 190l-6 62h316l-6-62c8-94 6-190-${wide + 26}-190z" transform="translate(${(wide - 116) * 0.1} 0)" fill="${hair}"/>
    <path d="M40 400c16-66 92-82 160-82s144 16 160 82z" fill="${shirt}"/>
    <rect x="160" y="260" width="80" height="80" rx="30" fill="${shade}"/>
    <ellipse cx="200" cy="190" rx="${wide}" ry="${long}" fill="${skin}"/>
    <path d="M200 24c-96 0-138 60-138 168 24-72 70-104 120-108 54 6 112 40 156 108 4-108-42-168-138-168z" fill="${hair}"/>
    <g fill="none" stroke="${hair}" stroke-width="11" stroke-linecap="round"><path d="M126 ${156 - 6 * at(11)}q24-14 48 0"/><path d="M226 ${156}q24-14 48 ${-6 * at(11)}"/></g>
    <g><ellipse cx="150" cy="188" rx="25" ry="${open}" fill="#fff"/><ellipse cx="250" cy="188" rx="25" ry="${open}" fill="#fff"/>
    <circle cx="150" cy="188" r="13" fill="${eye}"/><circle cx="250" cy="188" r="13" fill="${eye}"/><circle cx="150" cy="188" r="6"/><circle cx="250" cy="188" r="6"/></g>
    <path d="M196 204c-2 22-20 36-6 42 8 4 18 2 24-2" fill="none" stroke="${shade}" stroke-width="9" stroke-linecap="round"/>
    <path d="M164 276q36 ${smile} 72 0q-36 ${smile + 16} -72 0z" fill="#a8443d"/>
  </svg>`;
}

/** Numbers of what is asked for; the same request gives the same face. */
function numbersOf(request: Request): number[] {
  const [lora] = request.loras;
  const text = JSON.stringify(lora ?? request.model ?? "");
  const bytes = createHash("sha256").update(text).digest();
  const spread = (i: number): number => ((bytes[i] ?? 0) / 255 - 0.5) * 4;
  const strength = lora?.strength ?? 1;
  if (lora?.kind === "draft" && lora.draft.kind === "point")
    return lora.draft.coordinates.map((value) => value * strength);
  if (lora?.kind === "draft" && lora.draft.kind === "blend") {
    const { parents } = lora.draft;
    return Array.from({ length: 16 }, (_, i) =>
      parents.reduce((sum, { id, weight }) => {
        const own = createHash("sha256").update(id).digest();
        return sum + weight * ((own[i] ?? 0) / 255 - 0.5) * 5;
      }, 0),
    );
  }
  return Array.from({ length: 16 }, (_, i) => spread(i) * strength);
}

const running = new Map<string, AbortController>();
export const counters = { pictures: 0, steps: 0, sessionsOpened: 4 };

export function cancelFake(slot: string): boolean {
  const found = running.get(slot);
  found?.abort();
  return found !== undefined;
}

export async function* makeFake(
  request: Request,
  signal: AbortSignal | undefined,
): AsyncGenerator<PictureEvent> {
  const { slot, settings } = request;
  running.get(slot)?.abort();
  const own = new AbortController();
  running.set(slot, own);
  const ended = (): boolean => own.signal.aborted || signal?.aborted === true;
  const began = performance.now();
  yield { kind: "preparing", doing: "Reading the prompt" };
  await setTimeout(60);
  if (settings.prompt.includes("[fail]"))
    throw new ORPCError("overflow", {
      message:
        "The UNet of sd_xl_base_1.0.safetensors gave values that are no numbers at step 3, in half precision and in full. Try another sampler or a lower guidance.",
    });
  const width = settings.width ?? SIDE;
  const height = settings.height ?? SIDE;
  const image = sharp(Buffer.from(face(numbersOf(request), settings.seed)), { density: 150 });
  const png = await image.resize(width, height, { fit: "cover" }).png().toBuffer();
  for (let step = 1; step <= settings.steps; step++) {
    await setTimeout(STEP_MS);
    if (ended()) {
      yield { kind: "superseded" };
      return;
    }
    counters.steps++;
    const share = step / settings.steps;
    const small = await sharp(png)
      .resize(Math.round(width / 8), Math.round(height / 8))
      .blur(0.4 + 7 * (1 - share))
      .webp({ quality: 70 })
      .toBuffer();
    yield {
      kind: "step",
      step,
      steps: settings.steps,
      image: small.toString("base64"),
      secondsPerStep: STEP_MS / 1000,
    };
  }
  const sha256 = createHash("sha256").update(png).digest("hex");
  fakePictures.set(sha256, png);
  counters.pictures++;
  yield {
    kind: "done",
    picture: {
      sha256,
      path: `/home/ada/Facet/pictures/${sha256}.png`,
      width,
      height,
      seconds: (performance.now() - began) / 1000,
      steps: settings.steps,
      provider: "cpu",
      loras: request.loras.map(() => ({ name: "draft", applied: 722, total: 722 })),
      before: { decode: 41, change: 3, text: 120, sessions: 0 },
      notes: settings.steps > 30 ? ["Weights stayed in half precision for want of memory."] : [],
    },
  };
}

const sdxl = {
  kind: "single-file" as const,
  family: "sdxl" as const,
  problem: null,
  missing: false,
  widths: "320 / 640 / 1280",
  prediction: "epsilon" as const,
  zeroTerminalSnr: false,
  dtypes: ["F16"],
  tensors: 2515,
  extras: [],
  extrasTotal: 0,
  needs: [],
  vae: null,
  textFrom: null,
  licence: null,
  factor: 8,
  modifiedAt: 1_780_000_000_000,
};
const checkpoints = "/home/ada/ComfyUI/models/checkpoints";
const found = "ComfyUI, usual place";

export const fakeModels: Model[] = [
  {
    ...sdxl,
    id: "m1",
    name: "sd_xl_base_1.0",
    path: `${checkpoints}/sd_xl_base_1.0.safetensors`,
    source: found,
    bytes: 6_938_040_682,
    licence: "CreativeML Open RAIL++-M",
    sha256: "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b",
  },
  {
    ...sdxl,
    id: "m2",
    name: "portraitMerge_v7",
    path: `${checkpoints}/community/portraitMerge_v7.safetensors`,
    source: found,
    bytes: 6_938_112_004,
    prediction: "velocity",
    zeroTerminalSnr: true,
    extras: Array.from({ length: 40 }, (_, i) => `denoiser.sigmas.${i}`),
    extrasTotal: 340,
    sha256: null,
  },
  {
    ...sdxl,
    id: "m3",
    name: "runwayml/stable-diffusion-v1-5",
    path: "/home/ada/.cache/huggingface/hub/models--runwayml--stable-diffusion-v1-5/snapshots/451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
    kind: "diffusers",
    family: "sd15",
    widths: "320 / 640 / 1280 / 1280",
    source: "chosen",
    bytes: 4_265_146_304,
    dtypes: ["F32"],
    tensors: 1133,
    licence: "CreativeML Open RAIL-M",
    sha256: null,
  },
  {
    ...sdxl,
    id: "m4",
    name: "realism_unet_fp16",
    path: "/home/ada/ComfyUI/models/unet/realism_unet_fp16.safetensors",
    kind: "unet-only",
    source: "ComfyUI, diffusion models",
    bytes: 5_135_149_760,
    tensors: 1680,
    needs: ["vae", "text encoders"],
    sha256: null,
  },
  {
    ...sdxl,
    id: "m5",
    name: "sd_xl_refiner_1.0",
    path: `${checkpoints}/sd_xl_refiner_1.0.safetensors`,
    source: found,
    bytes: 6_075_981_930,
    family: null,
    widths: "",
    problem:
      "sd_xl_refiner_1.0.safetensors is the SDXL refiner, which only finishes pictures of another model. Choose a base model.",
    sha256: null,
  },
  {
    ...sdxl,
    id: "m6",
    name: "halfDownloaded",
    path: `${checkpoints}/halfDownloaded.safetensors`,
    source: found,
    bytes: 2_147_483_648,
    family: null,
    widths: "",
    problem:
      "halfDownloaded.safetensors ends after 2.1 GB of 6.9 GB: conditioner.embedders.1.model.transformer.resblocks.4.attn.in_proj_weight is not there. Download it again.",
    sha256: null,
  },
];

export const fakeVaes = [
  {
    path: "/home/ada/ComfyUI/models/vae/sdxl_vae.safetensors",
    name: "sdxl_vae",
    source: "ComfyUI, usual place",
  },
];

export const fakeModelFolders = [
  { path: checkpoints, source: "ComfyUI, usual place", exists: true },
  { path: "/home/ada/ComfyUI/models/unet", source: "ComfyUI, usual place", exists: true },
  { path: "/mnt/models/shared/checkpoints", source: "extra_model_paths.yaml", exists: false },
  { path: "/home/ada/.cache/huggingface/hub", source: "chosen", exists: true },
];
