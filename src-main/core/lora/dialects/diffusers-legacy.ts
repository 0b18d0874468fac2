/** diffusers before PEFT: `….to_q.lora.up.weight`, and `….lora_linear_layer.up.weight` in text encoders. */
import { componentNames, componentPrefixes } from "./diffusers-names.ts";
import { parseDotted } from "./dialect.ts";
import type { Dialect, Suffixes } from "./dialect.ts";

const suffixes: Suffixes = new Map([
  [".lora.up.weight", "up"],
  [".lora.down.weight", "down"],
  [".lora_linear_layer.up.weight", "up"],
  [".lora_linear_layer.down.weight", "down"],
  [".alpha", "alpha"],
]);

export const diffusersLegacy: Dialect = {
  id: "diffusers-legacy",
  parse: (key) => parseDotted(key, suffixes, componentNames, componentPrefixes),
};
