/** kohya-ss with diffusers block names: `lora_unet_down_blocks_1_attentions_0_….lora_down.weight` (formats.md 1.2). */
import { nameTable } from "../architecture/names.ts";
import { flatSuffixes, parseFlat } from "./dialect.ts";
import type { WritableDialect } from "./dialect.ts";
import { kohyaName, kohyaPrefixes, kohyaReadNames } from "./kohya-names.ts";

const names = nameTable((named) => kohyaReadNames(named, "diffusers"));

export const kohyaDiffusers: WritableDialect = {
  id: "kohya-diffusers",
  parse: (key) => parseFlat(key, flatSuffixes, names, kohyaPrefixes),
  write: (module, family) => kohyaName(module, family, "diffusers"),
  suffixes: { down: ".lora_down.weight", up: ".lora_up.weight", alpha: ".alpha" },
};
