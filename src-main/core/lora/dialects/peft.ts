/** PEFT as diffusers saves it: `unet.….lora_A.weight`, alpha in the metadata (formats.md 1.6). */
import { componentNames, componentPrefixes } from "./diffusers-names.ts";
import { parseDotted, peftSuffixes } from "./dialect.ts";
import type { WritableDialect } from "./dialect.ts";

export const peft: WritableDialect = {
  id: "peft",
  parse: (key) => parseDotted(key, peftSuffixes, componentNames, componentPrefixes),
  write: (module) => module.path,
  // diffusers refuses a file with any name that lacks "lora", so `.alpha` cannot be written.
  suffixes: { down: ".lora_A.weight", up: ".lora_B.weight" },
};
