/** The graph with which ComfyUI makes the same picture, as its interface for programs takes it. */
import { assert } from "../../errors.ts";
import { classOf, type ComfyNode, type NodeType, type Socket } from "./comfy-nodes.ts";
import type { PictureRecord, RecordedModel } from "./picture-record.ts";

type Source = Pick<RecordedModel, "name" | "kind">;

/** Each node after those that it reads; ids count from 1. */
export function comfyNodes({ settings, model, loras }: PictureRecord): ComfyNode[] {
  const nodes: ComfyNode[] = [];
  const place = (
    type: NodeType,
    inputs: ComfyNode["inputs"],
    widgets: ComfyNode["widgets"],
    title?: string,
  ) => {
    const node = { id: nodes.length + 1, type, inputs, widgets, ...(title ? { title } : {}) };
    nodes.push(node);
    return (slot: number): Socket => ({ node, slot });
  };
  const whole = ({ name, kind }: Source) =>
    kind === "diffusers"
      ? place("DiffusersLoader", {}, { model_path: name })
      : place("CheckpointLoaderSimple", {}, { ckpt_name: name });

  const loaded = whole(model.kind === "unet-only" ? (model.textFrom ?? model) : model);
  const unetOnly = { unet_name: model.name, weight_dtype: "default" };
  let unet = model.kind === "unet-only" ? place("UNETLoader", {}, unetOnly)(0) : loaded(0);
  let clip = loaded(1);
  const vae = model.vae === null ? loaded(2) : place("VAELoader", {}, { vae_name: model.vae })(0);
  for (const { file, strength } of loras) {
    const values = { lora_name: file, strength_model: strength, strength_clip: strength };
    const both = place("LoraLoader", { model: unet, clip }, values);
    [unet, clip] = [both(0), both(1)];
  }
  // Files that say so themselves are known to ComfyUI; here it is said for all, and means the same twice.
  if (model.prediction === "velocity") {
    const values = { sampling: "v_prediction", zsnr: model.zeroTerminalSnr };
    unet = place("ModelSamplingDiscrete", { model: unet }, values)(0);
  }
  if (settings.rescale > 0)
    unet = place("RescaleCFG", { model: unet }, { multiplier: settings.rescale })(0);
  if (settings.clipSkip !== null)
    clip = place("CLIPSetLastLayer", { clip }, { stop_at_clip_layer: -settings.clipSkip })(0);
  const encode = (text: string, title: string) =>
    place("CLIPTextEncode", { clip }, { text }, title)(0);
  const positive = encode(settings.prompt, "Prompt");
  const negative = encode(settings.negative, "Negative prompt");
  const { width, height, seed, steps, cfg, sampler, schedule } = settings;
  const latent = place("EmptyLatentImage", {}, { width, height, batch_size: 1 })(0);
  const sampled = place(
    "KSampler",
    { model: unet, positive, negative, latent_image: latent },
    {
      seed,
      steps,
      cfg,
      sampler_name: samplerName(sampler),
      scheduler: schedule.replaceAll("-", "_"),
      denoise: 1,
    },
  )(0);
  const images = place("VAEDecode", { samples: sampled, vae }, {})(0);
  place("SaveImage", { images }, { filename_prefix: "Facet" });
  return nodes;
}

function samplerName(sampler: PictureRecord["settings"]["sampler"]): string {
  return sampler === "unipc" ? "uni_pc" : sampler.replaceAll("-", "_");
}

/** What is posted to `/prompt`, and lies in a PNG under that name. */
export function comfyPrompt(nodes: readonly ComfyNode[]): Record<string, unknown> {
  return Object.fromEntries(
    nodes.map(({ id, type, inputs, widgets }) => {
      const links = classOf(type).inputs.map(([name]) => {
        const socket = inputs[name];
        assert(socket !== undefined, `${type} lacks its input ${name}`);
        return [name, [String(socket.node.id), socket.slot]];
      });
      return [id, { class_type: type, inputs: { ...widgets, ...Object.fromEntries(links) } }];
    }),
  );
}
