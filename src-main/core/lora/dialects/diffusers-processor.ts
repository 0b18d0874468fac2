/** diffusers' first attention processors: `….attn1.processor.to_q_lora.up.weight` (formats.md 1.5, row 2). */
import { nameTable } from "../architecture/names.ts";
import { parseDotted } from "./dialect.ts";
import type { Dialect, Suffixes } from "./dialect.ts";

const suffixes: Suffixes = new Map([
  [".up.weight", "up"],
  [".down.weight", "down"],
]);

/** The text encoder's projections went by the UNet's names then (formats.md 1.6). */
const textNames: readonly (readonly [string, string])[] = [
  [".q_proj", ".to_q"],
  [".k_proj", ".to_k"],
  [".v_proj", ".to_v"],
  [".out_proj", ".to_out"],
];

const names = nameTable(({ component, path }) => {
  if (component !== "unet") {
    const [from, to] = textNames.find(([ending]) => path.endsWith(ending)) ?? [];
    if (from === undefined || to === undefined) return [];
    return [`${component}.${path.slice(0, -from.length)}${to}_lora`];
  }
  const attention = /^(.*\.attn[12])\.(to_[qkv]|to_out)(?:\.0)?$/.exec(path);
  if (!attention) return [];
  const [, module, matrix] = attention;
  return [`${module}.processor.${matrix}_lora`, `${module}.${matrix}_lora`].flatMap((name) => [
    name,
    `unet.${name}`,
  ]);
});

export const diffusersProcessor: Dialect = {
  id: "diffusers-processor",
  parse: (key) => parseDotted(key, suffixes, names, []),
};
