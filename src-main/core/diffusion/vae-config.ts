/** The published autoencoders in numbers (formats.md 5.6). */
import type { Family } from "./unet-config.ts";

export interface VaeConfig {
  /** Channels of each level, outermost first; a level more halves the picture once more. */
  readonly channels: readonly number[];
  readonly latentChannels: number;
  /** The UNet's latents are the VAE's times this. */
  readonly scale: number;
}

export const vaeConfigs: Record<Family, VaeConfig> = {
  sdxl: { channels: [128, 256, 512, 512], latentChannels: 4, scale: 0.130_25 },
  sd15: { channels: [128, 256, 512, 512], latentChannels: 4, scale: 0.182_15 },
};

/** Pixels along one latent pixel. */
export function latentFactor({ channels }: VaeConfig): number {
  return 2 ** (channels.length - 1);
}
