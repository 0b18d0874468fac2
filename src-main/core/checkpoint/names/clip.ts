/** Spellings of the text encoders' parameters (formats.md 2.4 and 2.5). */
import { type Naming, type Spelling, splitKind } from "./spelling.ts";

const level = "text_model.";

/** Some single files, and what transformers 5 saves of CLIP-L, lack the level `text_model`. */
export const transformersClip: Naming = (parameter) =>
  parameter.startsWith(level)
    ? [{ name: parameter }, { name: parameter.slice(level.length) }]
    : [{ name: parameter }];

const outer: ReadonlyMap<string, readonly Spelling[]> = new Map([
  ["text_model.embeddings.token_embedding.weight", [{ name: "token_embedding.weight" }]],
  ["text_model.embeddings.position_embedding.weight", [{ name: "positional_embedding" }]],
  ["text_model.final_layer_norm.weight", [{ name: "ln_final.weight" }]],
  ["text_model.final_layer_norm.bias", [{ name: "ln_final.bias" }]],
  [
    "text_projection.weight",
    // OpenCLIP computes x P; ComfyUI also knows files that have it as a Linear, [out, in].
    [{ name: "text_projection", transposed: true }, { name: "text_projection.weight" }],
  ],
]);

const inLayer: ReadonlyMap<string, string> = new Map([
  ["self_attn.out_proj", "attn.out_proj"],
  ["mlp.fc1", "mlp.c_fc"],
  ["mlp.fc2", "mlp.c_proj"],
  ["layer_norm1", "ln_1"],
  ["layer_norm2", "ln_2"],
]);

/** Rows of the fused projection, in this order. */
const thirds: ReadonlyMap<string, 0 | 1 | 2> = new Map([
  ["self_attn.q_proj", 0],
  ["self_attn.k_proj", 1],
  ["self_attn.v_proj", 2],
]);

const layers = /^text_model\.encoder\.layers\.(\d+)\.(.+)$/;

export const openClip: Naming = (parameter) => {
  const { path, kind } = splitKind(parameter);
  const [, layer, part = ""] = layers.exec(path) ?? [];
  if (layer === undefined) return outer.get(parameter) ?? [];
  const block = `transformer.resblocks.${layer}`;
  const third = thirds.get(part);
  if (third !== undefined) return [{ name: `${block}.attn.in_proj_${kind}`, third }];
  const name = inLayer.get(part);
  return name === undefined ? [] : [{ name: `${block}.${name}.${kind}` }];
};
