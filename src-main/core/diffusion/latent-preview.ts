/** A small picture of a latent by one product, cheap enough for every step. */
import { assert } from "../errors.ts";
import { pivotedCholesky, solveLower, solveUpper } from "../linalg/cholesky.ts";
import { seededRandom } from "../tensor/random.ts";
import { type Planes, sizesOf } from "./planes.ts";
import type { Family } from "./unet-config.ts";
import type { VaeConfig } from "./vae-config.ts";

/** Colour = latent times factors, plus bias; of latents as the UNet has them, colours from -1 to 1. */
export interface PreviewFactors {
  /** A row of red, green and blue for each channel. */
  readonly factors: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** Of the published autoencoders, as ComfyUI lists them (comfy/latent_formats.py `latent_rgb_factors`). */
const published: Record<Family, PreviewFactors> = {
  sd15: {
    factors: [
      [0.3512, 0.2297, 0.3227],
      [0.325, 0.4974, 0.235],
      [-0.2829, 0.1762, 0.2721],
      [-0.212, -0.2616, -0.7177],
    ],
    bias: [0, 0, 0],
  },
  sdxl: {
    factors: [
      [0.3651, 0.4232, 0.4341],
      [-0.2533, -0.0042, 0.1068],
      [0.1076, 0.1111, -0.0362],
      [-0.3165, -0.2492, -0.2188],
    ],
    bias: [0.1084, -0.0175, -0.0011],
  },
};

const publishedChannels = "128,256,512,512";

/** The published factors where the autoencoder has the published sizes; others have to be fitted. */
export function publishedPreview(family: Family, vae: VaeConfig): PreviewFactors | undefined {
  return vae.channels.join() === publishedChannels ? published[family] : undefined;
}

/** Along a side of a patch of one colour: the middle of it sees little of its neighbours. */
const patch = 4;

/** Latents to decode for a fit: patches of random colours, as far from zero as the latents of pictures are. */
export function previewLatents({ latentChannels }: VaeConfig, side = 32, seed = 1): Planes {
  const random = seededRandom(seed);
  const across = Math.ceil(side / patch);
  const colours = Array.from({ length: latentChannels * across ** 2 }, () => random.normal());
  const values = Float32Array.from({ length: latentChannels * side ** 2 }, (_, at) => {
    const [channel, row, column] = [
      Math.floor(at / side ** 2),
      Math.floor(at / side) % side,
      at % side,
    ];
    const [y, x] = [Math.floor(row / patch), Math.floor(column / patch)];
    return colours[(channel * across + y) * across + x] ?? 0;
  });
  return { shape: [1, latentChannels, side, side], values };
}

/** Of the mean variance of channels: keeps factors small of channels that hardly vary, or vary together. */
const ridge = 1e-3;

/**
 * Factors with the least squared error over all latent pixels: of latents as the UNet has them and of the pixels
 * decoded from them, a multiple of the size. Both are centred first, so that the bias is not held down.
 */
export function fitLatentPreview(latents: Planes, pixels: Planes): PreviewFactors {
  const { channels, height, width } = sizesOf(latents);
  const inputs = centred(latents);
  const colours = centred(meanColours(pixels, height, width));
  assert(inputs.columns[0]?.length === colours.columns[0]?.length, "a picture for each latent");

  const gram = products(inputs.columns, inputs.columns);
  const trace = inputs.columns.reduce((sum, column) => sum + dot(column, column), 0);
  for (let at = 0; at < gram.length; at += channels + 1)
    gram[at] = (gram[at] ?? 0) + (ridge * trace) / channels;
  const right = products(inputs.columns, colours.columns);
  const factor = pivotedCholesky(gram, channels);
  const targets = colours.columns.length;
  const half = solveLower(factor, right, channels, targets);
  const solved = solveUpper(factor, half, channels, targets);
  const factors = inputs.columns.map((_, channel) =>
    Array.from(solved.subarray(channel * targets, (channel + 1) * targets)),
  );
  const bias = colours.means.map((colour, target) =>
    factors.reduce(
      (rest, row, channel) => rest - (inputs.means[channel] ?? 0) * (row[target] ?? 0),
      colour,
    ),
  );
  return { factors, bias };
}

export interface Preview {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of one place beside each other. */
  readonly bytes: Uint8Array;
}

/** One pixel for each latent pixel of the first latent. */
export function latentPreview(latents: Planes, { factors, bias }: PreviewFactors): Preview {
  const { channels, height, width } = sizesOf(latents);
  assert(factors.length === channels, `${factors.length} factors for ${channels} channels`);
  const plane = height * width;
  const bytes = new Uint8Array(plane * 3);
  for (let at = 0; at < plane; at++) {
    for (let colour = 0; colour < 3; colour++) {
      let sum = bias[colour] ?? 0;
      for (let channel = 0; channel < channels; channel++)
        sum += (latents.values[channel * plane + at] ?? 0) * (factors[channel]?.[colour] ?? 0);
      bytes[at * 3 + colour] = Math.min(255, Math.max(0, ((sum + 1) / 2) * 255));
    }
  }
  return { width, height, bytes };
}

/** Means of the pixels, from -1 to 1, that belong to each latent pixel. */
function meanColours(pixels: Planes, height: number, width: number): Planes {
  const { n, channels, ...full } = sizesOf(pixels);
  const factor = full.height / height;
  assert(
    Number.isInteger(factor) && full.width === width * factor,
    `${full.height} x ${full.width} pixels of ${height} x ${width} latent pixels`,
  );
  const values = new Float32Array(n * channels * height * width);
  for (let plane = 0, from = 0; plane < n * channels; plane++)
    for (let y = 0; y < full.height; y++)
      for (let x = 0; x < full.width; x++, from++) {
        const to = (plane * height + Math.floor(y / factor)) * width + Math.floor(x / factor);
        const value = Math.min(1, Math.max(-1, pixels.values[from] ?? 0));
        values[to] = (values[to] ?? 0) + value / factor ** 2;
      }
  return { shape: [n, channels, height, width], values };
}

/** A column of all places for each channel, less its mean. */
function centred(planes: Planes): { columns: Float64Array[]; means: number[] } {
  const { n, channels, height, width } = sizesOf(planes);
  const plane = height * width;
  const columns = Array.from({ length: channels }, (_, channel) =>
    Float64Array.from(
      { length: n * plane },
      (_, at) =>
        planes.values[(Math.floor(at / plane) * channels + channel) * plane + (at % plane)] ?? 0,
    ),
  );
  const means = columns.map((column) => column.reduce((sum, value) => sum + value) / column.length);
  return {
    means,
    columns: columns.map((column, at) => column.map((value) => value - (means[at] ?? 0))),
  };
}

/** `[left columns, right columns]` */
function products(left: readonly Float64Array[], right: readonly Float64Array[]): Float64Array {
  return Float64Array.from(left.flatMap((one) => right.map((other) => dot(one, other))));
}

function dot(left: Float64Array, right: Float64Array): number {
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0);
}
