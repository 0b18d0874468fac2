/** ComfyUI's generic names: the weight's own name in its model, `diffusion_model.<ldm path>` (formats.md 1.4). */
import { ldmPath, nameTable } from "../architecture/names.ts";
import { dottedSuffixes, parseDotted } from "./dialect.ts";
import type { Dialect } from "./dialect.ts";

const encoders = { text_encoder: "clip_l", text_encoder_2: "clip_g" } as const;

const names = nameTable(({ component, path, family }) =>
  component === "unet"
    ? [`diffusion_model.${ldmPath(path, family)}`]
    : [`text_encoders.${encoders[component]}.transformer.${path}`],
);

const prefixes = ["diffusion_model.", "text_encoders.clip_l.", "text_encoders.clip_g."];

export const comfy: Dialect = {
  id: "comfy",
  parse: (key) => parseDotted(key, dottedSuffixes, names, prefixes),
};
