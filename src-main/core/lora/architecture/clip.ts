/** Every Linear of the text encoders that a LoRA may adapt: CLIP-L in both families, OpenCLIP bigG in SDXL. */
import type { ClipConfig } from "../../diffusion/clip-config.ts";
import type { ModuleShape } from "../lora.ts";

export type Component = "unet" | "text_encoder" | "text_encoder_2";

/** Per layer q, k, v, out, fc1, fc2; bigG's projection last. Names are Hugging Face's, also for bigG. */
export function clipModules(config: ClipConfig): ModuleShape[] {
  const { component, layers, width, hidden, projection } = config;
  const modules: ModuleShape[] = [];
  function linear(path: string, out: number, input: number): void {
    modules.push({ path: `${component}.${path}`, out, in: input, kernel: [1, 1], conv: false });
  }
  for (let layer = 0; layer < layers; layer++) {
    const path = `text_model.encoder.layers.${layer}`;
    for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      linear(`${path}.self_attn.${name}`, width, width);
    }
    linear(`${path}.mlp.fc1`, hidden, width);
    linear(`${path}.mlp.fc2`, width, hidden);
  }
  if (projection !== undefined) linear("text_projection", projection, width);
  return modules;
}
