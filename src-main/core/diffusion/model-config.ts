/** A whole diffusion model in numbers: what a checkpoint is recognised as. */
import type { ClipConfig } from "./clip-config.ts";
import type { Family, UnetConfig } from "./unet-config.ts";
import type { VaeConfig } from "./vae-config.ts";

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
