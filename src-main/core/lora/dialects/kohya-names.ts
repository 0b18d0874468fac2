/** What both kohya spellings share: prefixes by component, and text encoders by their Hugging Face names. */
import type { Named } from "../architecture/names.ts";
import type { Family, ModuleShape } from "../lora.ts";
import { componentOf, flatten, ldmPath } from "../architecture/names.ts";

/** kohya numbers the encoders of SDXL; ComfyUI and diffusers read either spelling of the first one in both families. */
const read = {
  unet: ["lora_unet"],
  text_encoder: ["lora_te", "lora_te1"],
  text_encoder_2: ["lora_te2"],
} as const;

const written = {
  sdxl: { unet: "lora_unet", text_encoder: "lora_te1", text_encoder_2: "lora_te2" },
  sd15: { unet: "lora_unet", text_encoder: "lora_te", text_encoder_2: "lora_te2" },
} as const;

export const kohyaPrefixes: readonly string[] = [
  "lora_unet_",
  "lora_te_",
  "lora_te1_",
  "lora_te2_",
];

export type UnetSpelling = "sgm" | "diffusers";

function below(family: Family, component: string, path: string, spelling: UnetSpelling): string {
  return flatten(component === "unet" && spelling === "sgm" ? ldmPath(path, family) : path);
}

/** Names under which a module is read. */
export function kohyaReadNames(named: Named, spelling: UnetSpelling): string[] {
  const name = below(named.family, named.component, named.path, spelling);
  return read[named.component].map((prefix) => `${prefix}_${name}`);
}

/** The name under which a module is written. */
export function kohyaName(module: ModuleShape, family: Family, spelling: UnetSpelling): string {
  const { component, path } = componentOf(module.path);
  return `${written[family][component]}_${below(family, component, path, spelling)}`;
}
