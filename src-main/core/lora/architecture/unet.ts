/** Every Linear and convolution of a UNet that a LoRA may adapt, with shapes, in execution order. */
import { latentChannels, layersPerBlock, type UnetConfig } from "../../diffusion/unet-config.ts";
import type { ModuleShape } from "../lora.ts";

/**
 * The order is that of execution: time and size embeddings, `conv_in`, down blocks, mid block, up blocks, `conv_out`;
 * in a level resnet, attention, resnet, attention, then the sampler; in a resnet `conv1`, `time_emb_proj`, `conv2`,
 * `conv_shortcut`; in an attention `proj_in`, then per transformer block attn1 q k v out, attn2 q k v out and the
 * feed-forward, then `proj_out`. weights2weights' order is this one without what it does not train.
 */
export function unetModules(config: UnetConfig): ModuleShape[] {
  const modules: ModuleShape[] = [];
  const width = (level: number): number => config.channels[level] ?? 0;
  const levels = config.channels.length;

  function linear(path: string, out: number, input: number): void {
    modules.push({ path: `unet.${path}`, out, in: input, kernel: [1, 1], conv: false });
  }
  function convolution(path: string, out: number, input: number, size: 1 | 3): void {
    modules.push({ path: `unet.${path}`, out, in: input, kernel: [size, size], conv: true });
  }
  function resnet(path: string, out: number, input: number): void {
    convolution(`${path}.conv1`, out, input, 3);
    linear(`${path}.time_emb_proj`, out, config.time);
    convolution(`${path}.conv2`, out, out, 3);
    if (input !== out) convolution(`${path}.conv_shortcut`, out, input, 1);
  }
  function projection(path: string, channels: number): void {
    if (config.linearProjection) linear(path, channels, channels);
    else convolution(path, channels, channels, 1);
  }
  function attention(path: string, channels: number, depth: number): void {
    projection(`${path}.proj_in`, channels);
    for (let block = 0; block < depth; block++) {
      const inside = `${path}.transformer_blocks.${block}`;
      for (const [name, context] of [
        ["attn1", channels],
        ["attn2", config.context],
      ] as const) {
        linear(`${inside}.${name}.to_q`, channels, channels);
        linear(`${inside}.${name}.to_k`, channels, context);
        linear(`${inside}.${name}.to_v`, channels, context);
        linear(`${inside}.${name}.to_out.0`, channels, channels);
      }
      // GEGLU: value and gate of 4 times the width each.
      linear(`${inside}.ff.net.0.proj`, 8 * channels, channels);
      linear(`${inside}.ff.net.2`, channels, 4 * channels);
    }
    projection(`${path}.proj_out`, channels);
  }

  linear("time_embedding.linear_1", config.time, width(0));
  linear("time_embedding.linear_2", config.time, config.time);
  if (config.addition !== undefined) {
    linear("add_embedding.linear_1", config.time, config.addition);
    linear("add_embedding.linear_2", config.time, config.time);
  }
  convolution("conv_in", width(0), latentChannels, 3);

  let channels = width(0);
  // What the down path leaves for the up path, popped from the end.
  const skips = [channels];
  for (let level = 0; level < levels; level++) {
    const path = `down_blocks.${level}`;
    const depth = config.depth[level] ?? 0;
    for (let layer = 0; layer < layersPerBlock; layer++) {
      resnet(`${path}.resnets.${layer}`, width(level), channels);
      channels = width(level);
      if (depth > 0) attention(`${path}.attentions.${layer}`, channels, depth);
      skips.push(channels);
    }
    if (level < levels - 1) {
      convolution(`${path}.downsamplers.0.conv`, channels, channels, 3);
      skips.push(channels);
    }
  }

  resnet("mid_block.resnets.0", channels, channels);
  attention("mid_block.attentions.0", channels, config.middleDepth);
  resnet("mid_block.resnets.1", channels, channels);

  for (let block = 0; block < levels; block++) {
    const path = `up_blocks.${block}`;
    const level = levels - 1 - block;
    const depth = config.depth[level] ?? 0;
    for (let layer = 0; layer <= layersPerBlock; layer++) {
      resnet(`${path}.resnets.${layer}`, width(level), channels + (skips.pop() ?? 0));
      channels = width(level);
      if (depth > 0) attention(`${path}.attentions.${layer}`, channels, depth);
    }
    if (block < levels - 1) convolution(`${path}.upsamplers.0.conv`, channels, channels, 3);
  }
  convolution("conv_out", latentChannels, channels, 3);
  return modules;
}
