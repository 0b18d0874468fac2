/** Finds the components of a checkpoint by the names of its tensors. */
import type { CheckpointFiles, CheckpointPart, ModelComponent } from "./checkpoint.ts";
import { openClip, transformersClip } from "./names/clip.ts";
import type { Naming } from "./names/spelling.ts";
import { diffusersUnet, ldmUnet } from "./names/unet.ts";
import { diffusersVae, ldmVae } from "./names/vae.ts";
import type { Place } from "./place.ts";

/** Prefixes in single files (formats.md 2.3), the usual ones first. */
const homes: readonly (readonly [ModelComponent, string])[] = [
  ["unet", "model.diffusion_model."],
  ["unet", "diffusion_model."],
  ["text_encoder", "conditioner.embedders.0.transformer."],
  ["text_encoder", "cond_stage_model.transformer."],
  ["text_encoder_2", "conditioner.embedders.1.model."],
  ["text_encoder_2", "conditioner.embedders.1.transformer."],
  ["vae", "first_stage_model."],
  ["vae", "vae."],
];

const unetBlocks = /^(input_blocks|down_blocks|middle_block|mid_block|output_blocks|up_blocks)\./;

/** What tensors without any prefix are of. */
const bare: readonly (readonly [ModelComponent, RegExp])[] = [
  ["unet", unetBlocks],
  ["vae", /^(encoder|decoder)\.(conv_in|mid|mid_block|down|down_blocks|up|up_blocks)\./],
];

export type Places = ReadonlyMap<ModelComponent, Place>;

export function locate(files: CheckpointFiles): Places {
  const places = new Map<ModelComponent, Place>();
  for (const part of files.parts) {
    if (part.component !== null) places.set(part.component, placeOf(part.component, "", part));
    else for (const place of inSingleFile(part)) places.set(place.component, place);
  }
  return places;
}

function inSingleFile(part: CheckpointPart): Place[] {
  const names = Array.from(part.tensors.keys()).filter((name) => !isBuffer(name));
  const places: Place[] = [];
  for (const [component, prefix] of homes) {
    if (places.some((place) => place.component === component)) continue;
    const own = names.filter((name) => name.startsWith(prefix));
    // Other models' networks have the UNet's prefix too.
    const fits =
      component === "unet"
        ? own.some((name) => unetBlocks.test(name.slice(prefix.length)))
        : own[0];
    if (fits) places.push(placeOf(component, prefix, part));
  }
  if (places.length > 0) return places;
  const own = bare.find(([, pattern]) => names.some((name) => pattern.test(name)));
  return own ? [placeOf(own[0], "", part)] : [];
}

function placeOf(component: ModelComponent, prefix: string, part: CheckpointPart): Place {
  const has = (start: string) => {
    for (const name of part.tensors.keys()) if (name.startsWith(prefix + start)) return true;
    return false;
  };
  const place = (naming: Naming): Place => ({ component, part, prefix, naming });
  switch (component) {
    case "unet":
      return has("input_blocks.") || has("middle_block.")
        ? place(ldmUnet(has("label_emb.") ? "sdxl" : "sd15"))
        : place(diffusersUnet);
    case "vae": {
      if (!has("encoder.down.") && !has("decoder.up.")) return place(diffusersVae);
      let levels = 0;
      while (has(`encoder.down.${levels}.`) || has(`decoder.up.${levels}.`)) levels++;
      return place(ldmVae(levels));
    }
    default:
      return has("transformer.resblocks.") ? place(openClip) : place(transformersClip);
  }
}

/**
 * Numbers that training or other programs leave beside the model and that follow from it: second sets of weights,
 * schedules, counters, temperatures. Neither read nor worth a line.
 */
const buffers =
  /^(model_ema\.|denoiser\.|loss\.|(betas|alphas_cumprod(_prev)?|logvar|lvlb_weights|scale_factor|global_step)$|(sqrt|log_one_minus|posterior)_)|(^|\.)(position_ids|logit_scale)$|^conditioner\.embedders\.0\.transformer\.text_projection(\.weight)?$/;

export function isBuffer(name: string): boolean {
  return buffers.test(name);
}
