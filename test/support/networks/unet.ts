/** A small UNet of SDXL's kind, named as diffusers' UNet2DConditionModel with one resnet a level. */
import { concat, silu } from "../../../src-main/core/graph/build/index.ts";
import {
  convolution,
  downsampled,
  groupNorm,
  meanSquaredError,
  resnetBlock,
  sinusoidalEmbedding,
  spatialTransformer,
  timeEmbedding,
  upsampled,
  within,
} from "../../../src-main/core/graph/layers/index.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import { given, type Network, type Size } from "./network.ts";

const sizes = {
  full: {
    batch: 16,
    side: 16,
    channels: [64, 128, 256],
    groups: 32,
    headWidth: 64,
    context: { tokens: 16, width: 128 },
  },
  tiny: {
    batch: 2,
    side: 8,
    channels: [4, 8, 8],
    groups: 2,
    headWidth: 4,
    context: { tokens: 3, width: 6 },
  },
};

const latents = 4;

export function unet(size: Size): Network {
  const { batch, side, channels, groups, headWidth, context } = sizes[size];
  const [first = 0] = channels;
  const last = channels.length - 1;
  const image = [batch, latents, side, side];
  return {
    name: "unet",
    data: [
      { name: "x", shape: image, dtype: "F32" },
      { name: "times", shape: [batch], dtype: "F32", below: 1000 },
      { name: "context", shape: [batch, context.tokens, context.width], dtype: "F32" },
      { name: "target", shape: image, dtype: "F32" },
    ],
    forward: (parameters, data) => {
      const part = (path: string) => within(parameters, path);
      const told = given(data["context"]);
      const sinusoids = sinusoidalEmbedding(given(data["times"]), first);
      const time = timeEmbedding(part("time_embedding"), sinusoids, 4 * first);
      const resnet = (path: string, x: Node, out: number) =>
        resnetBlock(part(path), x, { out, time, groups });
      const attend = (path: string, x: Node, width: number) =>
        spatialTransformer(part(path), x, { heads: width / headWidth, context: told, groups });

      let h = convolution(part("conv_in"), given(data["x"]), first, { kernel: 3, padding: 1 });
      const kept = [h];
      channels.forEach((width, level) => {
        const path = `down_blocks.${level}`;
        h = resnet(`${path}.resnets.0`, h, width);
        if (level > 0) h = attend(`${path}.attentions.0`, h, width);
        kept.push(h);
        if (level === last) return;
        h = downsampled(part(`${path}.downsamplers.0.conv`), h);
        kept.push(h);
      });

      const widest = channels[last] ?? 0;
      h = resnet("mid_block.resnets.0", h, widest);
      h = attend("mid_block.attentions.0", h, widest);
      h = resnet("mid_block.resnets.1", h, widest);

      channels.toReversed().forEach((width, level) => {
        const path = `up_blocks.${level}`;
        for (const index of [0, 1]) {
          h = resnet(`${path}.resnets.${index}`, concat([h, given(kept.pop())], 1), width);
          if (level < last) h = attend(`${path}.attentions.${index}`, h, width);
        }
        if (level < last) h = upsampled(part(`${path}.upsamplers.0.conv`), h);
      });
      h = silu(groupNorm(part("conv_norm_out"), h, { groups }));
      return convolution(part("conv_out"), h, latents, { kernel: 3, padding: 1 });
    },
    loss: (forward, { target }) => meanSquaredError(forward, given(target)),
  };
}
