/** The modules that every tool's loader has a place for: what kohya's trainer can adapt. */
import type { ModuleShape } from "../../src-main/core/lora/lora.ts";

export function trainable({ path }: ModuleShape): boolean {
  return /^unet\..*\.(attentions|resnets|downsamplers|upsamplers)\.|^text_encoder.*\.(self_attn|mlp)\./.test(
    path,
  );
}
