/** Tiny SDXL and SD1.5 in numbers; test/fixtures/models/tiny.py has the same. */
import { type ClipConfig, clipConfigs } from "../../../src-main/core/diffusion/clip-config.ts";
import type { ModelConfig } from "../../../src-main/core/diffusion/model-config.ts";
import type { Family } from "../../../src-main/core/diffusion/unet-config.ts";
import { vaeConfigs } from "../../../src-main/core/diffusion/vae-config.ts";
import {
  clipParameters,
  type ModelComponent,
  type ModelParameter,
  openClipParameters,
  unetParameters,
  vaeParameters,
} from "./parameters.ts";

const clipSizes: Record<ClipConfig["component"], Partial<ClipConfig>> = {
  text_encoder: { width: 32, layers: 3, heads: 1, hidden: 64 },
  text_encoder_2: { width: 64, layers: 3, heads: 1, hidden: 128, projection: 64 },
};

function tiny(family: Family, unet: ModelConfig["unet"]): ModelConfig {
  return {
    family,
    prediction: "epsilon",
    zeroTerminalSnr: false,
    unet,
    textEncoders: clipConfigs[family].map((config) => ({
      ...config,
      ...clipSizes[config.component],
    })),
    vae: { ...vaeConfigs[family], channels: [32, 32, 64, 64] },
  };
}

export const tinyConfigs: Record<Family, ModelConfig> = {
  sdxl: tiny("sdxl", {
    channels: [32, 64, 128],
    depth: [0, 1, 2],
    middleDepth: 2,
    heads: [1, 1, 2],
    context: 32 + 64,
    linearProjection: true,
    addition: 64 + 6 * 256,
    time: 128,
  }),
  sd15: tiny("sd15", {
    channels: [32, 64, 128, 128],
    depth: [1, 1, 1, 0],
    middleDepth: 1,
    heads: [8, 8, 8, 8],
    context: 32,
    linearProjection: false,
    time: 128,
  }),
};

/** Where the text encoders lie in a family's single file. */
const clipPrefix: Record<Family, string> = {
  sdxl: "conditioner.embedders.0.transformer.",
  sd15: "cond_stage_model.transformer.",
};

/** Every parameter of a model of any size, component by component. */
export function modelParameters(
  config: ModelConfig,
): Map<ModelComponent, readonly ModelParameter[]> {
  const components = new Map<ModelComponent, readonly ModelParameter[]>();
  components.set("unet", unetParameters(config.unet));
  for (const encoder of config.textEncoders) {
    components.set(
      encoder.component,
      encoder.component === "text_encoder"
        ? clipParameters(encoder, clipPrefix[config.family])
        : openClipParameters(encoder, "conditioner.embedders.1.model."),
    );
  }
  if (config.vae) components.set("vae", vaeParameters(config.vae));
  return components;
}
