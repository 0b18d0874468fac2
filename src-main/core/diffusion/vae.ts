/** The autoencoder of SDXL and SD1.5 (AutoencoderKL) as graphs, parameters named as diffusers names them (formats.md 5.6). */
import {
  add,
  maximum,
  minimum,
  reshape,
  scalar,
  silu,
  slice,
  transpose,
} from "../graph/build/index.ts";
import { times } from "../graph/dimension.ts";
import {
  attention,
  convolution,
  groupNorm,
  type Parameters,
  resnetBlock,
  upsampled,
  within,
} from "../graph/layers/index.ts";
import type { Node } from "../graph/node.ts";
import type { VaeConfig } from "./vae-config.ts";

const epsilon = 1e-6;
const pictureChannels = 3;
/** Resnets of a level on the way down; one more on the way up. */
const layersPerBlock = 2;
/** What diffusers' DiagonalGaussianDistribution clamps the log-variance to. */
const logVariances = { least: -30, largest: 20 };

/** Of the latents, in the VAE's own units: the UNet's are these times `config.scale`. */
export interface Encoded {
  /** [n, 4, height / 8, width / 8] */
  readonly mean: Node;
  readonly logVariance: Node;
}

/** Pixels [n, 3, height, width] in -1..1, sizes multiples of `latentFactor(config)`. */
export function vaeEncoder(config: VaeConfig, parameters: Parameters, pixels: Node): Encoded {
  const { channels, latentChannels } = config;
  const part = (name: string) => within(parameters, `encoder.${name}`);
  const levels = channels.length;
  const width = (level: number) => channels[level] ?? 0;
  const same = { kernel: 3, padding: 1 };
  // Right and below only, as the first latent diffusion models padded.
  const halving = { kernel: 3, stride: 2, padding: { before: [0, 0], after: [1, 1] } };

  let x = convolution(part("conv_in"), pixels, width(0), same);
  for (let level = 0; level < levels; level++) {
    const path = `down_blocks.${level}`;
    for (let layer = 0; layer < layersPerBlock; layer++)
      x = resnetBlock(part(`${path}.resnets.${layer}`), x, { out: width(level), epsilon });
    if (level < levels - 1)
      x = convolution(part(`${path}.downsamplers.0.conv`), x, width(level), halving);
  }
  x = middle(part("mid_block"), x, width(levels - 1));
  x = silu(groupNorm(part("conv_norm_out"), x, { epsilon }));
  x = convolution(part("conv_out"), x, 2 * latentChannels, same);
  const moments = convolution(within(parameters, "quant_conv"), x, 2 * latentChannels, {
    kernel: 1,
  });
  const spread = slice(moments, 1, latentChannels);
  const bound = (value: number) => scalar(value, moments.dtype);
  return {
    mean: slice(moments, 1, 0, latentChannels),
    logVariance: minimum(maximum(spread, bound(logVariances.least)), bound(logVariances.largest)),
  };
}

/**
 * Latents [n, 4, height, width] in the VAE's own units -> pixels [n, 3, 8 * height, 8 * width], about -1..1: what is
 * beyond is for the caller to cut.
 */
export function vaeDecoder(config: VaeConfig, parameters: Parameters, latents: Node): Node {
  const { latentChannels } = config;
  const part = (name: string) => within(parameters, `decoder.${name}`);
  const channels = config.channels.toReversed();
  const same = { kernel: 3, padding: 1 };

  const z = within(parameters, "post_quant_conv");
  let x = convolution(z, latents, latentChannels, { kernel: 1 });
  x = convolution(part("conv_in"), x, channels[0] ?? 0, same);
  x = middle(part("mid_block"), x, channels[0] ?? 0);
  for (const [block, out] of channels.entries()) {
    const path = `up_blocks.${block}`;
    for (let layer = 0; layer <= layersPerBlock; layer++)
      x = resnetBlock(part(`${path}.resnets.${layer}`), x, { out, epsilon });
    if (block < channels.length - 1) x = upsampled(part(`${path}.upsamplers.0.conv`), x);
  }
  x = silu(groupNorm(part("conv_norm_out"), x, { epsilon }));
  return convolution(part("conv_out"), x, pictureChannels, same);
}

/** UNetMidBlock2D: a resnet, one head of attention over all places, a resnet. */
function middle(parameters: Parameters, x: Node, width: number): Node {
  const part = (name: string) => within(parameters, name);
  const first = resnetBlock(part("resnets.0"), x, { out: width, epsilon });
  const attended = attendPlaces(part("attentions.0"), first, width);
  return resnetBlock(part("resnets.1"), attended, { out: width, epsilon });
}

/** Every place of x [n, width, rows, columns] attends to all; scores are [n, 1, places, places]. */
function attendPlaces(parameters: Parameters, x: Node, width: number): Node {
  const [n = 0, , rows = 0, columns = 0] = x.shape;
  const normal = groupNorm(within(parameters, "group_norm"), x, { epsilon });
  const tokens = transpose(reshape(normal, [n, width, times(rows, columns)]), [0, 2, 1]);
  const mixed = attention(parameters, tokens, { heads: 1, bias: true });
  return add(reshape(transpose(mixed, [0, 2, 1]), x.shape), x);
}
