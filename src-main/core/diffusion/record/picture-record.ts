/** What a picture was made with, as texts for its PNG: for A1111 and its kin, for ComfyUI, and for Facet itself. */
import { asciiJson } from "../../formats/png/text.ts";
import type { SamplerName } from "../schedule/plan.ts";
import type { ComfyScheduler } from "../schedule/comfy.ts";
import type { Family } from "../unet-config.ts";
import { comfyNodes, comfyPrompt } from "./comfy-prompt.ts";
import { comfyWorkflow } from "./comfy-workflow.ts";
import { parametersText } from "./parameters.ts";

export interface PictureSettings {
  readonly prompt: string;
  readonly negative: string;
  readonly seed: number;
  readonly steps: number;
  readonly sampler: SamplerName;
  readonly schedule: ComfyScheduler;
  readonly cfg: number;
  readonly rescale: number;
  /** Pixels, as the picture has them. */
  readonly width: number;
  readonly height: number;
  /** Null for the family's own. */
  readonly clipSkip: number | null;
  readonly convention: "comfy" | "diffusers";
}

export interface RecordedModel {
  /** Of a file or folder; of a path only the name is recorded. */
  readonly name: string;
  readonly kind: "single-file" | "diffusers" | "unet-only";
  readonly family: Family;
  readonly prediction: "epsilon" | "velocity";
  readonly zeroTerminalSnr: boolean;
  /** A VAE that was used in place of the model's own. */
  readonly vae: string | null;
  /** A checkpoint or folder whose text encoders (and VAE) a UNet-only file used. */
  readonly textFrom: { readonly name: string; readonly kind: "single-file" | "diffusers" } | null;
  readonly sha256: string | null;
}

export interface RecordedLora {
  /** As ComfyUI would list it: a name, or one below its LoRA folder. */
  readonly file: string;
  readonly strength: number;
  /** Of an identity that was made here; names no paths. */
  readonly recipe?: unknown;
}

export interface PictureRecord {
  readonly settings: PictureSettings;
  readonly model: RecordedModel;
  readonly loras: readonly RecordedLora[];
}

/**
 * By keyword, for `withPngText`. A picture of diffusers' convention has no ComfyUI graph, since none would make the
 * same picture there.
 */
export function pictureTexts(record: PictureRecord): Map<string, string> {
  const shown = withoutPaths(record);
  const texts = new Map([["parameters", parametersText(shown)]]);
  if (shown.settings.convention === "comfy") {
    const nodes = comfyNodes(shown);
    texts.set("prompt", asciiJson(comfyPrompt(nodes)));
    texts.set("workflow", asciiJson(comfyWorkflow(nodes)));
  }
  return texts.set("facet", asciiJson({ format: "facet-picture", version: 1, ...shown }));
}

function withoutPaths({ settings, model, loras }: PictureRecord): PictureRecord {
  const { vae, textFrom } = model;
  return {
    settings,
    model: {
      ...model,
      name: publicName(model.name),
      vae: vae === null ? null : publicName(vae),
      textFrom: textFrom && { ...textFrom, name: publicName(textFrom.name) },
    },
    loras: loras.map((lora) => ({ ...lora, file: publicName(lora.file) })),
  };
}

/** The last part of what says where on a disk a file lies; a name below a tool's own folder is kept. */
function publicName(name: string): string {
  const parts = name.split(/[/\\]/).filter((part) => part !== "");
  const placed = /^(?:[/\\~]|[a-z]:)/i.test(name) || parts.includes("..");
  return placed ? (parts.at(-1) ?? name) : name;
}
