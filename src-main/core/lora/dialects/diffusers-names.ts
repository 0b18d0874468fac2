/** What the dotted dialects share: diffusers paths, with and without the component that they belong to. */
import { nameTable } from "../architecture/names.ts";
import type { NameTable } from "../architecture/names.ts";

/** transformers 5.6 dropped the `text_model` level of the first encoder; files have it or not (formats.md 1.6). */
function spellings(path: string): string[] {
  return path.startsWith("text_model.") ? [path, path.slice("text_model.".length)] : [path];
}

/** `unet.…`, `text_encoder.…`, `text_encoder_2.…`; a UNet's own file leaves `unet.` out. */
export const componentNames: NameTable = nameTable(({ component, path }) => [
  ...spellings(path).map((spelling) => `${component}.${spelling}`),
  ...(component === "unet" ? [path] : []),
]);

export const componentPrefixes: readonly string[] = [
  "unet.",
  "text_encoder.",
  "text_encoder_2.",
  "down_blocks.",
  "mid_block.",
  "up_blocks.",
];

/** Paths inside one model, which PEFT wraps without saying which model it is. */
export const bareNames: NameTable = nameTable(({ component, path }) =>
  component === "text_encoder_2" ? [] : spellings(path),
);
