/** The config.json files of a diffusers folder, complete enough for diffusers and transformers to load it. */
import type { ModelConfig } from "../../../src-main/core/diffusion/model-config.ts";
import type { ModelComponent } from "./parameters.ts";

export interface ComponentConfig {
  /** As model_index.json names it. */
  readonly library: readonly [library: string, name: string];
  readonly values: Readonly<Record<string, unknown>>;
}

export function componentConfig(model: ModelConfig, component: ModelComponent): ComponentConfig {
  switch (component) {
    case "unet":
      return diffusers("UNet2DConditionModel", unetValues(model));
    case "vae":
      return diffusers("AutoencoderKL", vaeValues(model));
    default:
      return clipValues(model, component);
  }
}

function diffusers(name: string, values: Record<string, unknown>): ComponentConfig {
  return { library: ["diffusers", name], values: { _class_name: name, ...values } };
}

function unetValues({ unet }: ModelConfig): Record<string, unknown> {
  const attends = unet.depth.map((depth) => depth > 0);
  return {
    sample_size: 16,
    in_channels: 4,
    out_channels: 4,
    layers_per_block: 2,
    block_out_channels: unet.channels,
    down_block_types: attends.map((is) => (is ? "CrossAttnDownBlock2D" : "DownBlock2D")),
    up_block_types: attends.toReversed().map((is) => (is ? "CrossAttnUpBlock2D" : "UpBlock2D")),
    cross_attention_dim: unet.context,
    // Heads, whatever diffusers calls them.
    attention_head_dim: new Set(unet.heads).size === 1 ? unet.heads[0] : unet.heads,
    use_linear_projection: unet.linearProjection,
    ...(unet.addition === undefined
      ? {}
      : {
          transformer_layers_per_block: unet.depth.map((depth) => Math.max(1, depth)),
          addition_embed_type: "text_time",
          addition_time_embed_dim: 256,
          projection_class_embeddings_input_dim: unet.addition,
        }),
  };
}

function vaeValues({ vae }: ModelConfig): Record<string, unknown> {
  const channels = vae?.channels ?? [];
  return {
    block_out_channels: channels,
    down_block_types: channels.map(() => "DownEncoderBlock2D"),
    up_block_types: channels.map(() => "UpDecoderBlock2D"),
    layers_per_block: 2,
    latent_channels: vae?.latentChannels,
    scaling_factor: vae?.scale,
  };
}

function clipValues(model: ModelConfig, component: ModelComponent): ComponentConfig {
  const config = model.textEncoders.find((encoder) => encoder.component === component);
  const name = config?.projection === undefined ? "CLIPTextModel" : "CLIPTextModelWithProjection";
  return {
    library: ["transformers", name],
    values: {
      architectures: [name],
      model_type: "clip_text_model",
      hidden_size: config?.width,
      num_hidden_layers: config?.layers,
      num_attention_heads: config?.heads,
      intermediate_size: config?.hidden,
      hidden_act: config?.activation === "quick-gelu" ? "quick_gelu" : "gelu",
      projection_dim: config?.projection ?? config?.width,
      vocab_size: config?.vocabulary,
      max_position_embeddings: config?.positions,
      bos_token_id: 49_406,
      eos_token_id: 49_407,
    },
  };
}

export const schedulerConfig = {
  _class_name: "EulerDiscreteScheduler",
  beta_start: 0.000_85,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  timestep_spacing: "leading",
  steps_offset: 1,
} as const;
