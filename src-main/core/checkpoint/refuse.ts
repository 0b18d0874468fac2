/** Models that are known by their names and not run here, each refused with what to do. */
import type { CheckpointFiles } from "./checkpoint.ts";
import { valuesOf } from "./detect/json.ts";
import type { Places } from "./locate.ts";
import { refuse } from "./problems.ts";

const families = "Choose a model of the families SDXL or SD1.5.";

/** In any file: these look like SDXL or SD1.5 otherwise. */
const relatives: readonly (readonly [pattern: RegExp, message: string])[] = [
  [
    /^edm_mean$/,
    "is Playground 2.5 or made from it (EDM noise), which Facet cannot sample. Choose a model made from SDXL base.",
  ],
  [
    /^edm_vpred\./,
    "is CosXL or made from it (EDM noise), which Facet cannot sample. Choose a model made from SDXL base.",
  ],
  [
    /^conditioner\.embedders\.0\.model\./,
    "is the SDXL refiner or made from it, which only finishes pictures of the base model. Choose the base model.",
  ],
  [
    /^cond_stage_model\.model\./,
    `is Stable Diffusion 2 (its text encoder is OpenCLIP's), which Facet does not run. ${families}`,
  ],
  [
    /(^|\.)time_(embed|embedding)\.cond_proj\.weight$/,
    "is an LCM model that takes its guidance as an input, which Facet does not run. Choose the model that it was made " +
      "from, with the LCM LoRA.",
  ],
  [
    /(^|\.)(time_stack|temporal_transformers|motion_modules)\./,
    `makes videos (it has layers over time), which Facet does not run. ${families}`,
  ],
];

/** In a file without a UNet that Facet knows. */
const strangers: readonly (readonly [pattern: RegExp, message: string])[] = [
  [
    /^lora_(unet|te|te1|te2)_|\.lora_(down|up|A|B)\.|\.hada_w1_a$|\.lokr_w1$/,
    "is a LoRA, not a model. Import it into the library, and choose the model that it was made for here.",
  ],
  [
    /(^|\.)(input_hint_block|controlnet_cond_embedding|control_model|zero_convs)\./,
    `is a ControlNet, which Facet does not use. ${families}`,
  ],
  [/^(image_proj|ip_adapter)\./, `is an IP-Adapter, which Facet does not use. ${families}`],
  [/(^|\.)joint_blocks\./, `is Stable Diffusion 3, which Facet does not run. ${families}`],
  [
    /(^|\.)(double_blocks|single_blocks|double_layers|single_transformer_blocks)\./,
    `is Flux or another model with a transformer in the place of the UNet, which Facet does not run. ${families}`,
  ],
  [
    /^(model\.diffusion_model\.)?(transformer_blocks|layers|blocks)\.0\./,
    `has a transformer in the place of the UNet, which Facet does not run. ${families}`,
  ],
  [
    /^(emb_params|string_to_param)/,
    "is a textual inversion (words for a prompt), not a model. Choose the model that it was made for.",
  ],
  [
    /^(text_model|transformer\.resblocks|encoder\.block)\./,
    "is a text encoder alone, not a model. Choose a checkpoint, or the file of a UNet.",
  ],
];

export function refuseRelatives({ path, parts, scheduler }: CheckpointFiles): void {
  for (const { tensors } of parts) {
    for (const name of tensors.keys()) {
      const known = relatives.find(([pattern]) => pattern.test(name));
      if (known) refuse(path, known[1], name);
    }
  }
  const name = valuesOf(scheduler)["_class_name"];
  if (typeof name === "string" && name.startsWith("EDM")) {
    refuse(
      path,
      `is sampled by ${name} (EDM noise, as Playground 2.5), which Facet cannot do. Choose a model made from SDXL base.`,
      "_class_name",
    );
  }
}

/** For what has no UNet. */
export function refuseStranger({ path, parts }: CheckpointFiles, places: Places): never {
  if (places.has("vae") && places.size === 1) {
    refuse(
      path,
      "is an autoencoder (VAE) alone, not a model. Choose it as the VAE of a model, and a checkpoint here.",
    );
  }
  const names = parts.flatMap(({ tensors }) => Array.from(tensors.keys()));
  for (const [pattern, message] of strangers) {
    const name = names.find((each) => pattern.test(each));
    if (name !== undefined) refuse(path, message, name);
  }
  const example = names.length === 0 ? "" : `, "${names[0]}" among them`;
  refuse(
    path,
    `is no model that Facet knows: none of its ${names.length} tensors${example} is of the UNet of SDXL or SD1.5. ` +
      families,
  );
}
