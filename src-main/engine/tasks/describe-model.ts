/** What a file among base models is: a model, a VAE, something else in the wrong folder, or one that is refused. */
import { relative } from "node:path";
import type { ModelDescription, ModelFile } from "../../../src-preload/contract/engine.ts";
import type { Checkpoint, CheckpointFiles } from "../../core/checkpoint/checkpoint.ts";
import { describeCheckpoint, describeVae } from "../../core/checkpoint/describe.ts";
import { latentFactor } from "../../core/diffusion/vae-config.ts";
import { FacetError } from "../../core/errors.ts";
import { openCheckpoint } from "../../files/checkpoint-files.ts";
import { licenceIn, licenceOf } from "../../files/licence.ts";
import { asFailure } from "../failures.ts";

/** Names of extras that are told; the rest is counted. Their lengths are limited by the header's reader. */
const mostExtras = 200;
/** Pixels along one latent pixel, where the model has no VAE that says it. */
const usualFactor = 8;

/**
 * Things that people keep among their models, by names that only they have. None is a broken model, and most of them
 * have parts that are named as a UNet's are.
 */
const others: readonly (readonly [name: RegExp, what: string])[] = [
  [/^lora_(unet|te|te1|te2)_|\.lora_(down|up|A|B)\.|\.hada_w1_a$|\.lokr_w1$/, "a LoRA"],
  [
    /(^|\.)(input_hint_block|controlnet_cond_embedding|zero_convs)\.|^control_model\./,
    "a ControlNet",
  ],
  [/^(image_proj|ip_adapter)\./, "an IP-Adapter"],
  [/^(emb_params|string_to_param|clip_l|clip_g)$/, "a textual inversion"],
];

/** The network that takes the noise away, of any model there is: these are base models, whether they run here or not. */
const denoiser =
  /^(model\.)?diffusion_model\.|^(net|unet)\.|^(layers|blocks)\.\d|(^|\.)((input|down|output|up|joint|double|single|transformer|single_transformer)_blocks|double_layers)\.\d/;
const beside = /^(first_stage_model|vae|cond_stage_model|conditioner|text_model|text_encoders)\./;
const autoencoder =
  /^((first_stage_model|vae)\.)?(encoder|decoder)\.(conv_in|mid|mid_block|down|down_blocks|up|up_blocks)\./;
/** Layers over time that are put into a UNet of another file. */
const motion = /motion_modules\./;

/** Throws nothing that the file is to blame for. */
export function describeModel(path: string): ModelFile {
  try {
    const files = openCheckpoint(path);
    const names = files.parts.flatMap(({ tensors }) => [...tensors.keys()]);
    // A folder that calls itself a pipeline is no other thing, whatever it lacks.
    if (files.kind === "single-file") {
      const what = otherThing(names);
      if (what !== null) return { kind: "other", what };
      if (!names.some(isDenoiser)) return vaeIn(files);
    }
    return { kind: "model", description: descriptionOf(describeCheckpoint(files), files) };
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    return { kind: "refused", failure: asFailure(error, path) };
  }
}

/** The file has parts of an autoencoder and no UNet. */
function vaeIn(files: CheckpointFiles): ModelFile {
  try {
    // Both families have the same one, but for a scale that no file says.
    describeVae(files, "sdxl");
    return { kind: "vae" };
  } catch (error) {
    if (!(error instanceof FacetError) || error.code !== "unsupported") throw error;
    return { kind: "other", what: "a VAE of another kind of model" };
  }
}

function isDenoiser(name: string): boolean {
  return denoiser.test(name) && !beside.test(name) && !autoencoder.test(name);
}

/** Null for what is a base model, a VAE, or tries to be one. */
function otherThing(names: readonly string[]): string | null {
  // Merges carry all kinds of things; with a whole UNet they are models still.
  if (names.some((name) => name.startsWith("model.diffusion_model."))) return null;
  for (const [pattern, what] of others) if (names.some((name) => pattern.test(name))) return what;
  if (names.length > 0 && names.every((name) => motion.test(name))) return "a motion module";
  if (names.some((name) => isDenoiser(name) || autoencoder.test(name))) return null;
  return "a file without a UNet";
}

function descriptionOf(checkpoint: Checkpoint, files: CheckpointFiles): ModelDescription {
  const { config, path, extras } = checkpoint;
  const weights = new Set<string>();
  for (const component of checkpoint.components.values()) {
    for (const weight of component.values()) weights.add(relative(path, weight.path));
  }
  const folder = files.kind === "diffusers";
  return {
    kind: checkpoint.kind,
    family: config.family,
    widths: config.unet.channels.join(" / "),
    prediction: config.prediction,
    zeroTerminalSnr: config.zeroTerminalSnr,
    dtypes: [...checkpoint.dtypes],
    tensors: checkpoint.tensors,
    extras: extras.slice(0, mostExtras),
    extrasTotal: extras.length,
    needs: [
      ...(config.vae === null ? (["vae"] as const) : []),
      ...(config.textEncoders.length === 0 ? (["text encoders"] as const) : []),
    ],
    hasVae: config.vae !== null,
    licence: licenceOf(checkpoint.metadata) ?? (folder ? licenceIn(path) : null),
    factor: config.vae === null ? usualFactor : latentFactor(config.vae),
    files: folder ? [...weights].toSorted() : [],
  };
}
