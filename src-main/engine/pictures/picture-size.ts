/** The size of a picture: the model's own where none is asked for, and only what its networks can make. */
import type { PictureSettings } from "../../../src-preload/contract/previews.ts";
import { latentFactor } from "../../core/diffusion/vae-config.ts";
import { FacetError } from "../../core/errors.ts";
import type { MountedModel } from "./mounted-model.ts";
import { latentMultiple } from "./networks.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
  /** Of the latent. */
  readonly rows: number;
  readonly columns: number;
  /** What the UNet's levels divide rows and columns by. */
  readonly multiple: number;
}

/** Latent pixels along a side of the pictures that the families were trained on. */
const trainedLatents = { sdxl: 128, sd15: 64 } as const;
/** The published UNets' first level; smaller ones were trained on smaller pictures. */
const publishedChannels = 320;
const smallLatents = 32;

/** Throws `invalid-argument` with the nearest sizes that there are. */
export function pictureSize(
  { width, height }: Pick<PictureSettings, "width" | "height">,
  model: MountedModel,
): Size {
  const { config } = model.checkpoint;
  const factor = latentFactor(model.vae);
  const multiple = latentMultiple(model.checkpoint);
  const published = (config.unet.channels[0] ?? 0) >= publishedChannels;
  const own = factor * (published ? trainedLatents[config.family] : smallLatents);
  const side = (name: "width" | "height", wanted: number | null) => {
    const pixels = wanted ?? own;
    const step = factor * multiple;
    if (pixels % step === 0) return pixels;
    const below = Math.max(step, Math.floor(pixels / step) * step);
    throw new FacetError(
      "invalid-argument",
      `The ${name} of ${pixels} pixels is no multiple of ${step}, which this model's networks need. Take ${below} or ${below + step}.`,
      { field: name },
    );
  };
  const size = { width: side("width", width), height: side("height", height) };
  return { ...size, rows: size.height / factor, columns: size.width / factor, multiple };
}
