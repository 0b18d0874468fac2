/** The published text encoders in numbers (formats.md 5.5). */
import type { Family } from "./unet-config.ts";

export interface ClipConfig {
  readonly component: "text_encoder" | "text_encoder_2";
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Width inside the feed-forward layers. */
  readonly hidden: number;
  readonly activation: "quick-gelu" | "gelu";
  /** Width of the pooled vector behind a projection that the UNet reads; absent where there is none. */
  readonly projection?: number;
  readonly vocabulary: number;
  readonly positions: number;
  /** Fills a chunk behind its end: CLIP-L repeats the end token, bigG uses 0. */
  readonly padding: number;
}

const common = { vocabulary: 49_408, positions: 77 } as const;

const clipL: ClipConfig = {
  ...common,
  component: "text_encoder",
  layers: 12,
  width: 768,
  heads: 12,
  hidden: 3072,
  activation: "quick-gelu",
  padding: 49_407,
};

const bigG: ClipConfig = {
  ...common,
  component: "text_encoder_2",
  layers: 32,
  width: 1280,
  heads: 20,
  hidden: 5120,
  activation: "gelu",
  projection: 1280,
  padding: 0,
};

/** Text encoders of a family, in the order of their numbers. */
export const clipConfigs: Record<Family, readonly ClipConfig[]> = {
  sdxl: [clipL, bigG],
  sd15: [clipL],
};
