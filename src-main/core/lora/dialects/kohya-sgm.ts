/** kohya-ss with ldm/sgm block names: `lora_unet_input_blocks_4_1_….lora_down.weight` (formats.md 1.2). */
import { nameTable } from "../architecture/names.ts";
import { flatSuffixes, parseFlat } from "./dialect.ts";
import type { WritableDialect } from "./dialect.ts";
import { kohyaName, kohyaPrefixes, kohyaReadNames } from "./kohya-names.ts";

const names = nameTable((named) => kohyaReadNames(named, "sgm"));

export const kohyaSgm: WritableDialect = {
  id: "kohya-sgm",
  parse: (key) => parseFlat(key, flatSuffixes, names, kohyaPrefixes),
  write: (module, family) => kohyaName(module, family, "sgm"),
  suffixes: { down: ".lora_down.weight", up: ".lora_up.weight", alpha: ".alpha" },
};
