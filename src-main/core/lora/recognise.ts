/** Names what a file is that is no LoRA of the families known here, so that its refusal says more than no. */
import { FacetError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { Header } from "./dialects/dialect.ts";

interface Sign {
  /** Found anywhere in a tensor's name. */
  readonly text: string;
  readonly what: string;
}

/** LoRAs of other models; the first sign that any name shows. */
const foreign: readonly Sign[] = [
  { text: "single_transformer_blocks", what: "Flux" },
  { text: "double_blocks", what: "Flux or Hunyuan Video" },
  { text: "single_blocks", what: "Flux or Hunyuan Video" },
  { text: "joint_blocks", what: "Stable Diffusion 3" },
  { text: "add_k_proj", what: "Stable Diffusion 3 or another diffusion transformer" },
  { text: "lora_te3_", what: "Stable Diffusion 3 or Flux" },
  { text: "text_encoder_3", what: "Stable Diffusion 3" },
  { text: "lora_prior_", what: "Stable Cascade" },
  { text: "motion_modules", what: "AnimateDiff" },
  { text: "lora_transformer_", what: "a diffusion transformer" },
  { text: "transformer.transformer_blocks", what: "a diffusion transformer" },
  { text: "diffusion_model.transformer_blocks", what: "a diffusion transformer" },
  { text: "diffusion_model.layers", what: "a diffusion transformer" },
  { text: "diffusion_model.blocks", what: "Wan or another video transformer" },
  { text: "lora_unet_blocks_", what: "Wan or another video transformer" },
  { text: "model.layers.", what: "a language model" },
];

/** Files without adapters. */
const others: readonly Sign[] = [
  { text: "lllite_", what: "a ControlNet-LLLite" },
  { text: "model.diffusion_model.", what: "a whole checkpoint" },
  { text: "controlnet_cond_embedding", what: "a ControlNet" },
  { text: "control_model.", what: "a ControlNet" },
  { text: "input_hint_block", what: "a ControlNet" },
  { text: "ip_adapter", what: "an IP-Adapter" },
  { text: "image_proj", what: "an IP-Adapter" },
  { text: "string_to_param", what: "a textual inversion embedding" },
  { text: "emb_params", what: "a textual inversion embedding" },
  { text: "first_stage_model.", what: "a VAE" },
  { text: "decoder.up", what: "a VAE" },
  { text: "decoder.mid", what: "a VAE" },
  { text: "vision_model.", what: "an image encoder" },
  { text: "down_blocks.", what: "a UNet's weights" },
  { text: "input_blocks.", what: "a UNet's weights" },
  { text: "text_model.encoder.layers.", what: "a text encoder's weights" },
  { text: "resblocks.", what: "a text encoder's weights" },
];

/** Parts of names that only adapters have. */
const adapterSigns = ["lora", "hada_", "lokr_", "oft_", "lycoris", "dora_scale"];

/** Throws `unsupported` where names show another model's LoRA; for files of which less than half was understood. */
export function refuseForeign(header: Header, unread: ReadonlySet<string>): void {
  for (const { text, what } of foreign) {
    for (const name of unread) {
      if (!name.includes(text) || !isAdapterName(name)) continue;
      refuse(
        header,
        "unsupported",
        name,
        `This LoRA is for ${what}, by ${unread.size} of ${header.tensors.size} names such as ${name}. Facet works with SDXL and SD 1.5.`,
      );
    }
  }
}

/** Throws for a file in which no matrix of a known module was found. */
export function refuseUnread(header: Header): never {
  const names = [...header.tensors.keys()];
  const [first] = names;
  if (first === undefined) {
    refuse(header, "not-a-lora", undefined, "The file holds no tensors.");
  }
  const size = `${names.length} tensor${names.length === 1 ? "" : "s"}`;
  refuseForeign(header, new Set(names));
  const adapter = names.find(isAdapterName);
  if (adapter !== undefined) {
    refuse(
      header,
      "unsupported",
      adapter,
      `None of its ${size} has a name known from SDXL or SD 1.5 LoRAs; seen: ${sample(names)}.`,
    );
  }
  for (const { text, what } of others) {
    const name = names.find((candidate) => candidate.includes(text));
    if (name === undefined) continue;
    refuse(header, "not-a-lora", name, `This is ${what}, not a LoRA: ${size} such as ${name}.`);
  }
  const encoders = names.filter((name) => name === "clip_l" || name === "clip_g");
  if (encoders.length > 0) {
    refuse(header, "not-a-lora", encoders[0], "This is a textual inversion embedding, not a LoRA.");
  }
  refuse(
    header,
    "not-a-lora",
    first,
    `None of its ${size} is named as an adapter's matrix; seen: ${sample(names)}.`,
  );
}

function isAdapterName(name: string): boolean {
  const lower = name.toLowerCase();
  return adapterSigns.some((sign) => lower.includes(sign));
}

function sample(names: readonly string[]): string {
  const shown = names
    .slice(0, 3)
    .map((name) => (name.length > 120 ? `${name.slice(0, 120)}…` : name));
  return names.length > 3 ? `${shown.join(", ")}, …` : shown.join(", ");
}

function refuse(
  header: Header,
  code: ErrorCode,
  field: string | undefined,
  message: string,
): never {
  throw new FacetError(code, message, { path: header.name, field });
}
