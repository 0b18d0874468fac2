/** The denoising UNet of SDXL and SD1.5 as a graph, its parameters named as diffusers names them. */
import { add, cast, concat, reshape, silu } from "../graph/build/index.ts";
import {
  convolution,
  downsampled,
  groupNorm,
  type Parameters,
  resnetBlock,
  sinusoidalEmbedding,
  spatialTransformer,
  timeEmbedding,
  upsampled,
  within,
} from "../graph/layers/index.ts";
import type { Node } from "../graph/node.ts";
import { latentChannels, layersPerBlock, type UnetConfig } from "./unet-config.ts";

export interface UnetInputs {
  /** [n, 4, height, width]; both sizes multiples of 2 to the number of downsamplers. */
  readonly latent: Node;
  /** [n], F32. */
  readonly times: Node;
  /** [n, tokens, width of the context] */
  readonly context: Node;
  /** SDXL: pooled text [n, 1280] and the six sizes [n, 6], F32 (formats.md 5.4). */
  readonly addition?: { readonly pooled: Node; readonly sizes: Node };
}

/** Width of the embedding of each of SDXL's six sizes. */
const sizeEmbedding = 256;

/** The noise (or velocity) that the model predicts: [n, 4, height, width]. */
export function unet(config: UnetConfig, parameters: Parameters, inputs: UnetInputs): Node {
  const part = (name: string) => within(parameters, name);
  const { context } = inputs;
  const time = embedTime(config, parameters, inputs);
  const levels = config.channels.length;
  const width = (level: number) => config.channels[level] ?? 0;

  const resnet = (path: string, x: Node, out: number) => resnetBlock(part(path), x, { out, time });
  const attend = (path: string, x: Node, level: number, depth: number) =>
    depth === 0
      ? x
      : spatialTransformer(part(path), x, {
          heads: config.heads[level] ?? 1,
          context,
          depth,
          projection: config.linearProjection ? "linear" : "convolution",
        });

  let x = convolution(part("conv_in"), inputs.latent, width(0), { kernel: 3, padding: 1 });
  // What the down path leaves for the up path, taken from the end.
  const skips = [x];
  for (let level = 0; level < levels; level++) {
    const path = `down_blocks.${level}`;
    for (let layer = 0; layer < layersPerBlock; layer++) {
      x = resnet(`${path}.resnets.${layer}`, x, width(level));
      x = attend(`${path}.attentions.${layer}`, x, level, config.depth[level] ?? 0);
      skips.push(x);
    }
    if (level < levels - 1) {
      x = downsampled(part(`${path}.downsamplers.0.conv`), x);
      skips.push(x);
    }
  }

  x = resnet("mid_block.resnets.0", x, width(levels - 1));
  x = attend("mid_block.attentions.0", x, levels - 1, config.middleDepth);
  x = resnet("mid_block.resnets.1", x, width(levels - 1));

  for (let block = 0; block < levels; block++) {
    const path = `up_blocks.${block}`;
    const level = levels - 1 - block;
    for (let layer = 0; layer <= layersPerBlock; layer++) {
      const skip = skips.pop();
      x = resnet(`${path}.resnets.${layer}`, skip ? concat([x, skip], 1) : x, width(level));
      x = attend(`${path}.attentions.${layer}`, x, level, config.depth[level] ?? 0);
    }
    if (block < levels - 1) x = upsampled(part(`${path}.upsamplers.0.conv`), x);
  }
  const last = silu(groupNorm(part("conv_norm_out"), x));
  return convolution(part("conv_out"), last, latentChannels, { kernel: 3, padding: 1 });
}

/** [n, width of the time embedding] */
function embedTime(
  { channels, time }: UnetConfig,
  parameters: Parameters,
  { latent, times, addition }: UnetInputs,
): Node {
  // Exact sines first: half floats cannot hold a step's number times a frequency.
  const sinusoidal = (x: Node, width: number) => cast(sinusoidalEmbedding(x, width), latent.dtype);
  const sinusoids = sinusoidal(times, channels[0] ?? 0);
  const embedded = timeEmbedding(within(parameters, "time_embedding"), sinusoids, time);
  if (!addition) return embedded;
  const { pooled, sizes } = addition;
  const [n = 0, count] = sizes.shape;
  const sinusoidsOfSizes = reshape(sinusoidal(sizes, sizeEmbedding), [
    n,
    Number(count) * sizeEmbedding,
  ]);
  const joined = concat([pooled, sinusoidsOfSizes], 1);
  return add(embedded, timeEmbedding(within(parameters, "add_embedding"), joined, time));
}
