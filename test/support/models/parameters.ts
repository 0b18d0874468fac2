/**
 * Every parameter of a model by both names, written down from the two original code bases (formats.md 2), not from
 * Facet's tables: what tests hold those tables against. Works at any size, the published ones included.
 */
import type { ClipConfig } from "../../../src-main/core/diffusion/clip-config.ts";
import type { UnetConfig } from "../../../src-main/core/diffusion/unet-config.ts";
import type { VaeConfig } from "../../../src-main/core/diffusion/vae-config.ts";

export type ModelComponent = "unet" | "text_encoder" | "text_encoder_2" | "vae";

export interface ModelParameter {
  /** As diffusers and transformers 4 name it, below its component. */
  readonly name: string;
  readonly shape: readonly number[];
  /** In a single file, prefix and all. */
  readonly file: string;
  /** In a single file, where it differs. */
  readonly fileShape?: readonly number[];
  /** Which third of the tensor in the single file it is. */
  readonly third?: 0 | 1 | 2;
  readonly transposed?: true;
}

type Add = (name: string, file: string, shape: readonly number[]) => void;

/** A weight and a bias. */
function layer(add: Add, name: string, file: string, shape: readonly number[]): void {
  add(`${name}.weight`, `${file}.weight`, shape);
  add(`${name}.bias`, `${file}.bias`, shape.slice(0, 1));
}

export function unetParameters(
  config: UnetConfig,
  { inputs = 4, prefix = "model.diffusion_model." } = {},
): ModelParameter[] {
  const list: ModelParameter[] = [];
  const add: Add = (name, file, shape) => list.push({ name, file: prefix + file, shape });
  const both = (name: string, file: string, ...shape: number[]) => layer(add, name, file, shape);
  const width = (level: number) => config.channels[level] ?? 0;
  const levels = config.channels.length;

  const resnet = (name: string, file: string, input: number, out: number) => {
    both(`${name}.norm1`, `${file}.in_layers.0`, input);
    both(`${name}.conv1`, `${file}.in_layers.2`, out, input, 3, 3);
    both(`${name}.time_emb_proj`, `${file}.emb_layers.1`, out, config.time);
    both(`${name}.norm2`, `${file}.out_layers.0`, out);
    both(`${name}.conv2`, `${file}.out_layers.3`, out, out, 3, 3);
    if (input !== out) both(`${name}.conv_shortcut`, `${file}.skip_connection`, out, input, 1, 1);
  };
  const attention = (name: string, file: string, c: number, depth: number) => {
    const projection = config.linearProjection ? [c, c] : [c, c, 1, 1];
    both(`${name}.norm`, `${file}.norm`, c);
    both(`${name}.proj_in`, `${file}.proj_in`, ...projection);
    for (let block = 0; block < depth; block++) {
      const same = (path: string, ...shape: number[]) =>
        both(
          `${name}.transformer_blocks.${block}.${path}`,
          `${file}.transformer_blocks.${block}.${path}`,
          ...shape,
        );
      const bare = (path: string, ...shape: number[]) =>
        add(
          `${name}.transformer_blocks.${block}.${path}.weight`,
          `${file}.transformer_blocks.${block}.${path}.weight`,
          shape,
        );
      for (const [path, from] of [
        ["attn1", c],
        ["attn2", config.context],
      ] as const) {
        bare(`${path}.to_q`, c, c);
        bare(`${path}.to_k`, c, from);
        bare(`${path}.to_v`, c, from);
        same(`${path}.to_out.0`, c, c);
      }
      same("ff.net.0.proj", 8 * c, c);
      same("ff.net.2", c, 4 * c);
      for (const norm of ["norm1", "norm2", "norm3"]) same(norm, c);
    }
    both(`${name}.proj_out`, `${file}.proj_out`, ...projection);
  };

  both("time_embedding.linear_1", "time_embed.0", config.time, width(0));
  both("time_embedding.linear_2", "time_embed.2", config.time, config.time);
  if (config.addition !== undefined) {
    both("add_embedding.linear_1", "label_emb.0.0", config.time, config.addition);
    both("add_embedding.linear_2", "label_emb.0.2", config.time, config.time);
  }
  // ldm numbers what runs: conv_in is 0, and each resnet (with its attention) and each downsampler is one more.
  both("conv_in", "input_blocks.0.0", width(0), inputs, 3, 3);
  let number = 1;
  let c = width(0);
  const skips = [c];
  for (let level = 0; level < levels; level++) {
    const depth = config.depth[level] ?? 0;
    for (let index = 0; index < 2; index++) {
      resnet(`down_blocks.${level}.resnets.${index}`, `input_blocks.${number}.0`, c, width(level));
      c = width(level);
      if (depth > 0) {
        attention(`down_blocks.${level}.attentions.${index}`, `input_blocks.${number}.1`, c, depth);
      }
      skips.push(c);
      number++;
    }
    if (level === levels - 1) continue;
    const name = `down_blocks.${level}.downsamplers.0.conv`;
    both(name, `input_blocks.${number++}.0.op`, c, c, 3, 3);
    skips.push(c);
  }
  resnet("mid_block.resnets.0", "middle_block.0", c, c);
  attention("mid_block.attentions.0", "middle_block.1", c, config.middleDepth);
  resnet("mid_block.resnets.1", "middle_block.2", c, c);
  number = 0;
  for (let block = 0; block < levels; block++) {
    const level = levels - 1 - block;
    const depth = config.depth[level] ?? 0;
    for (let index = 0; index < 3; index++) {
      const file = `output_blocks.${number++}`;
      const input = c + (skips.pop() ?? 0);
      resnet(`up_blocks.${block}.resnets.${index}`, `${file}.0`, input, width(level));
      c = width(level);
      if (depth > 0) attention(`up_blocks.${block}.attentions.${index}`, `${file}.1`, c, depth);
      if (index < 2 || level === 0) continue;
      const place = depth > 0 ? 2 : 1;
      both(`up_blocks.${block}.upsamplers.0.conv`, `${file}.${place}.conv`, c, c, 3, 3);
    }
  }
  both("conv_norm_out", "out.0", c);
  both("conv_out", "out.2", 4, c, 3, 3);
  return list;
}

/** CLIP-L: a single file has the names of transformers. */
export function clipParameters(config: ClipConfig, prefix: string): ModelParameter[] {
  const list: ModelParameter[] = [];
  const { width, hidden } = config;
  const add: Add = (name, file, shape) => list.push({ name, file: prefix + file, shape });
  const both = (name: string, ...shape: number[]) => layer(add, name, name, shape);
  const table = (name: string, ...shape: number[]) =>
    add(`text_model.embeddings.${name}.weight`, `text_model.embeddings.${name}.weight`, shape);
  table("token_embedding", config.vocabulary, width);
  table("position_embedding", config.positions, width);
  for (let index = 0; index < config.layers; index++) {
    const path = `text_model.encoder.layers.${index}`;
    for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"])
      both(`${path}.self_attn.${name}`, width, width);
    both(`${path}.mlp.fc1`, hidden, width);
    both(`${path}.mlp.fc2`, width, hidden);
    for (const name of ["layer_norm1", "layer_norm2"]) both(`${path}.${name}`, width);
  }
  both("text_model.final_layer_norm", width);
  return list;
}

/** bigG: a single file has the names of OpenCLIP, queries, keys and values in one tensor. */
export function openClipParameters(config: ClipConfig, prefix: string): ModelParameter[] {
  const list: ModelParameter[] = [];
  const { width, hidden, projection = width } = config;
  const add: Add = (name, file, shape) => list.push({ name, file: prefix + file, shape });
  const both = (name: string, file: string, ...shape: number[]) =>
    layer(add, `text_model.${name}`, file, shape);
  const tables = "text_model.embeddings";
  add(`${tables}.token_embedding.weight`, "token_embedding.weight", [config.vocabulary, width]);
  add(`${tables}.position_embedding.weight`, "positional_embedding", [config.positions, width]);
  for (let index = 0; index < config.layers; index++) {
    const path = `encoder.layers.${index}`;
    const file = `transformer.resblocks.${index}`;
    (["q_proj", "k_proj", "v_proj"] as const).forEach((name, place) => {
      for (const [kind, shape] of [
        ["weight", [width, width]],
        ["bias", [width]],
      ] as const) {
        list.push({
          name: `text_model.${path}.self_attn.${name}.${kind}`,
          file: `${prefix}${file}.attn.in_proj_${kind}`,
          shape,
          fileShape: [3 * width, ...shape.slice(1)],
          third: ([0, 1, 2] as const)[place] ?? 0,
        });
      }
    });
    both(`${path}.self_attn.out_proj`, `${file}.attn.out_proj`, width, width);
    both(`${path}.mlp.fc1`, `${file}.mlp.c_fc`, hidden, width);
    both(`${path}.mlp.fc2`, `${file}.mlp.c_proj`, width, hidden);
    both(`${path}.layer_norm1`, `${file}.ln_1`, width);
    both(`${path}.layer_norm2`, `${file}.ln_2`, width);
  }
  both("final_layer_norm", "ln_final", width);
  list.push({
    name: "text_projection.weight",
    file: `${prefix}text_projection`,
    shape: [projection, width],
    fileShape: [width, projection],
    transposed: true,
  });
  return list;
}

export function vaeParameters(config: VaeConfig, prefix = "first_stage_model."): ModelParameter[] {
  const list: ModelParameter[] = [];
  const { channels, latentChannels: latent } = config;
  const levels = channels.length;
  const width = (level: number) => channels[level] ?? 0;
  const inner = width(levels - 1);
  const add: Add = (name, file, shape) => list.push({ name, file: prefix + file, shape });
  const both = (name: string, file: string, ...shape: number[]) => layer(add, name, file, shape);
  const resnet = (name: string, file: string, input: number, out: number) => {
    both(`${name}.norm1`, `${file}.norm1`, input);
    both(`${name}.conv1`, `${file}.conv1`, out, input, 3, 3);
    both(`${name}.norm2`, `${file}.norm2`, out);
    both(`${name}.conv2`, `${file}.conv2`, out, out, 3, 3);
    if (input !== out) both(`${name}.conv_shortcut`, `${file}.nin_shortcut`, out, input, 1, 1);
  };
  const middle = (side: string) => {
    const name = `${side}.mid_block`;
    const file = `${side}.mid`;
    resnet(`${name}.resnets.0`, `${file}.block_1`, inner, inner);
    resnet(`${name}.resnets.1`, `${file}.block_2`, inner, inner);
    both(`${name}.attentions.0.group_norm`, `${file}.attn_1.norm`, inner);
    for (const [to, from] of [
      ["to_q", "q"],
      ["to_k", "k"],
      ["to_v", "v"],
      ["to_out.0", "proj_out"],
    ] as const) {
      const paths = [`${name}.attentions.0.${to}`, `${file}.attn_1.${from}`] as const;
      list.push(
        {
          name: `${paths[0]}.weight`,
          file: `${prefix}${paths[1]}.weight`,
          shape: [inner, inner],
          fileShape: [inner, inner, 1, 1],
        },
        { name: `${paths[0]}.bias`, file: `${prefix}${paths[1]}.bias`, shape: [inner] },
      );
    }
  };

  both("encoder.conv_in", "encoder.conv_in", width(0), 3, 3, 3);
  let c = width(0);
  for (let level = 0; level < levels; level++) {
    for (let index = 0; index < 2; index++) {
      const name = `encoder.down_blocks.${level}.resnets.${index}`;
      resnet(name, `encoder.down.${level}.block.${index}`, c, width(level));
      c = width(level);
    }
    if (level === levels - 1) continue;
    const name = `encoder.down_blocks.${level}.downsamplers.0.conv`;
    both(name, `encoder.down.${level}.downsample.conv`, c, c, 3, 3);
  }
  middle("encoder");
  both("encoder.conv_norm_out", "encoder.norm_out", inner);
  both("encoder.conv_out", "encoder.conv_out", 2 * latent, inner, 3, 3);
  both("quant_conv", "quant_conv", 2 * latent, 2 * latent, 1, 1);
  both("post_quant_conv", "post_quant_conv", latent, latent, 1, 1);

  both("decoder.conv_in", "decoder.conv_in", inner, latent, 3, 3);
  middle("decoder");
  c = inner;
  for (let block = 0; block < levels; block++) {
    // ldm counts the decoder's levels from the picture, diffusers from the latents.
    const level = levels - 1 - block;
    for (let index = 0; index < 3; index++) {
      const name = `decoder.up_blocks.${block}.resnets.${index}`;
      resnet(name, `decoder.up.${level}.block.${index}`, c, width(level));
      c = width(level);
    }
    if (level === 0) continue;
    const name = `decoder.up_blocks.${block}.upsamplers.0.conv`;
    both(name, `decoder.up.${level}.upsample.conv`, c, c, 3, 3);
  }
  both("decoder.conv_norm_out", "decoder.norm_out", c);
  both("decoder.conv_out", "decoder.conv_out", 3, c, 3, 3);
  return list;
}
