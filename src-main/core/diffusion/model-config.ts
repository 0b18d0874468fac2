/** A whole diffusion model in numbers: what a checkpoint is recognised as. */
import { type ClipConfig, clipConfigs } from "./clip-config.ts";
import { type Family, type UnetConfig, unetConfigs } from "./unet-config.ts";
import { type VaeConfig, vaeConfigs } from "./vae-config.ts";

/** What the UNet predicts: the noise, or v (Salimans and Ho 2022). */
export type Prediction = "epsilon" | "velocity";

export interface ModelConfig {
  readonly family: Family;
  readonly prediction: Prediction;
  /** The noisiest step has no picture left in it, and betas were rescaled for that. */
  readonly zeroTerminalSnr: boolean;
  readonly unet: UnetConfig;
  /** Empty in a file that has only the UNet. */
  readonly textEncoders: readonly ClipConfig[];
  /** Null in a file without one. */
  readonly vae: VaeConfig | null;
}

/** A family's model as it was published first. */
export function publishedModel(family: Family): ModelConfig {
  return {
    family,
    prediction: "epsilon",
    zeroTerminalSnr: false,
    unet: unetConfigs[family],
    textEncoders: clipConfigs[family],
    vae: vaeConfigs[family],
  };
}
