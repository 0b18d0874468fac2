/** Every Linear of the text encoders that a LoRA may adapt: CLIP-L in both families, OpenCLIP bigG in SDXL. */
import type { Family, ModuleShape } from "../lora.ts";

export type Component = "unet" | "text_encoder" | "text_encoder_2";

export interface ClipConfig {
  readonly component: "text_encoder" | "text_encoder_2";
  readonly layers: number;
  readonly width: number;
  /** Whether the pooled vector goes through a projection that the UNet reads. */
  readonly projection: boolean;
}

// formats.md 5.5
const clipL: ClipConfig = { component: "text_encoder", layers: 12, width: 768, projection: false };
const bigG: ClipConfig = { component: "text_encoder_2", layers: 32, width: 1280, projection: true };

/** Text encoders of a family, in the order of their numbers. */
export function textEncoders(family: Family): readonly ClipConfig[] {
  return family === "sdxl" ? [clipL, bigG] : [clipL];
}

/** Per layer q, k, v, out, fc1, fc2; bigG's projection last. Names are Hugging Face's, also for bigG. */
export function clipModules(config: ClipConfig): ModuleShape[] {
  const { component, layers, width } = config;
  const modules: ModuleShape[] = [];
  function linear(path: string, out: number, input: number): void {
    modules.push({ path: `${component}.${path}`, out, in: input, kernel: [1, 1], conv: false });
  }
  for (let layer = 0; layer < layers; layer++) {
    const path = `text_model.encoder.layers.${layer}`;
    for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      linear(`${path}.self_attn.${name}`, width, width);
    }
    linear(`${path}.mlp.fc1`, 4 * width, width);
    linear(`${path}.mlp.fc2`, width, 4 * width);
  }
  if (config.projection) linear("text_projection", width, width);
  return modules;
}
