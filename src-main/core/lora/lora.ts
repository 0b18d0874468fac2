/** The one in-memory form of a LoRA that every dialect is read into and written from. */

import type { Family } from "../diffusion/unet-config.ts";

export { families, type Family } from "../diffusion/unet-config.ts";

/**
 * One adapted weight. Path is the diffusers module path with its component in front:
 * `unet.down_blocks.1.attentions.0.…`, `text_encoder.text_model.encoder.layers.0.…`, `text_encoder_2.…`.
 */
export interface ModuleShape {
  readonly path: string;
  readonly out: number;
  /** Input channels; the columns of `down` are `in * kernel[0] * kernel[1]`. */
  readonly in: number;
  /** `[1, 1]` for a Linear and for a 1x1 convolution. */
  readonly kernel: readonly [number, number];
  /** Whether the target weight is a convolution (4-D in files), also where the kernel is 1x1. */
  readonly conv: boolean;
}

/** DoRA: what the norms of the changed weight's rows (`out`) or input channels (`in`) become. */
export interface Magnitude {
  readonly axis: "out" | "in";
  /** `[out]` or `[in]`. */
  readonly values: Float32Array;
}

/**
 * Delta of the weight at strength 1 is `up · down`: alpha and rank are folded in. With a magnitude the sum of weight
 * and delta is rescaled, too.
 */
export interface LoraModule extends ModuleShape {
  readonly rank: number;
  /** `[rank, in * kh * kw]`, row-major. */
  readonly down: Float32Array;
  /** `[out, rank]`, row-major. */
  readonly up: Float32Array;
  readonly magnitude?: Magnitude;
}

/** A trained text embedding that travels inside a LoRA file. */
export interface Embedding {
  /** As the prompt uses it, e.g. `<s1>`. */
  readonly token: string;
  /** `[vectors, width]`. */
  readonly shape: readonly [number, number];
  readonly values: Float32Array;
  /** Which encoder it belongs to: component name as in module paths. */
  readonly component: "text_encoder" | "text_encoder_2";
}

export interface Lora {
  readonly family: Family;
  /** In architecture order (see architecture/): the order of the canonical layout. */
  readonly modules: readonly LoraModule[];
  readonly embeddings: readonly Embedding[];
}

/** Columns of `down`. */
export function columns(module: ModuleShape): number {
  return module.in * module.kernel[0] * module.kernel[1];
}
