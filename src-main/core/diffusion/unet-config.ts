/** The two published UNets in numbers (formats.md 5.2). */

/** Families of models that LoRAs are made for. */
export const families = ["sdxl", "sd15"] as const;
export type Family = (typeof families)[number];

export interface UnetConfig {
  /** Channels of each level, outermost first. */
  readonly channels: readonly number[];
  /** Transformer blocks in each attention of a level; 0 where the level has no attention. */
  readonly depth: readonly number[];
  readonly middleDepth: number;
  /** Heads of a level's attentions: SDXL's are 64 wide, SD1.5's are eight. */
  readonly heads: readonly number[];
  /** Width of the text context. */
  readonly context: number;
  /** SDXL: Linear. SD1.5: 1x1 convolution. */
  readonly linearProjection: boolean;
  /** Width of the pooled text and size conditioning; absent in SD1.5. */
  readonly addition?: number;
  /** Width of the time embedding. */
  readonly time: number;
}

export const unetConfigs: Record<Family, UnetConfig> = {
  sdxl: {
    channels: [320, 640, 1280],
    depth: [0, 2, 10],
    middleDepth: 10,
    heads: [5, 10, 20],
    context: 2048,
    linearProjection: true,
    addition: 2816,
    time: 1280,
  },
  sd15: {
    channels: [320, 640, 1280, 1280],
    depth: [1, 1, 1, 0],
    middleDepth: 1,
    heads: [8, 8, 8, 8],
    context: 768,
    linearProjection: false,
    time: 1280,
  },
};

export const latentChannels = 4;
/** Resnets of a down level; an up level has one more. */
export const layersPerBlock = 2;
