/** cloneofsimo/lora: matrices by position, `unet:12:up`, in the order in which the old modules were registered. */
import { FacetError } from "../../errors.ts";
import { modulesOf } from "../architecture/index.ts";
import type { Place } from "../architecture/names.ts";
import type { Dialect, Header } from "./dialect.ts";

type Part = "unet" | "text_encoder";

/** What was trained where the metadata does not say: the tool's defaults. */
const defaults: Record<Part, readonly string[]> = {
  unet: ["CrossAttention", "Attention", "GEGLU"],
  text_encoder: ["CLIPAttention"],
};

/** Made once a file: every key of it asks. */
const tables = new WeakMap<Header["metadata"], Map<Part, readonly Place[]>>();

export const cloneofsimo: Dialect = {
  id: "cloneofsimo",
  positional: true,
  parse(key, header) {
    const match = /^(unet|text_encoder):(\d{1,4}):(up|down)$/.exec(key);
    if (!match) return undefined;
    const part: Part = match[1] === "unet" ? "unet" : "text_encoder";
    const place = tableOf(part, header)[Number(match[2])];
    return place && { role: match[3] === "up" ? "up" : "down", place };
  },
};

function tableOf(part: Part, header: Header): readonly Place[] {
  const known = tables.get(header.metadata) ?? new Map<Part, readonly Place[]>();
  tables.set(header.metadata, known);
  const made = known.get(part);
  if (made) return made;
  const classes = statedClasses(header.metadata.get(part)) ?? defaults[part];
  const foreign = classes.filter((name) => !defaults[part].includes(name));
  if (foreign.length > 0) {
    throw new FacetError(
      "unsupported",
      `Its matrices are stored by position below the classes ${classes.join(", ")}, and the order below ${foreign.join(", ")} is not known. Convert it with the tool that made it, for example to kohya's format.`,
      { path: header.name, field: part },
    );
  }
  const table = (part === "unet" ? unetOrder(classes) : textOrder(classes)).map(placeOf);
  known.set(part, table);
  return table;
}

function statedClasses(stated: string | undefined): readonly string[] | undefined {
  if (stated === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(stated);
    if (!Array.isArray(value)) return undefined;
    const classes = value.filter((name): name is string => typeof name === "string");
    return classes.length > 0 ? classes : undefined;
  } catch {
    return undefined;
  }
}

/** formats.md 1.11: down blocks, up blocks, the mid block last; in a transformer block the feed-forward between attn1 and attn2. */
function unetOrder(classes: readonly string[]): string[] {
  const paths = modulesOf("sd15").map((module) => module.path);
  const blocks = paths
    .filter((path) => path.endsWith(".attn1.to_q"))
    .map((path) => path.slice(0, -".attn1.to_q".length));
  const registered = [
    ...blocks.filter((block) => block.startsWith("unet.down_blocks.")),
    ...blocks.filter((block) => block.startsWith("unet.up_blocks.")),
    ...blocks.filter((block) => block.startsWith("unet.mid_block.")),
  ];
  const attentions = classes.includes("CrossAttention") || classes.includes("Attention");
  const attention = (name: string): string[] =>
    attentions ? ["to_q", "to_k", "to_v", "to_out.0"].map((matrix) => `${name}.${matrix}`) : [];
  return registered.flatMap((block) => [
    ...attention(`${block}.attn1`),
    ...(classes.includes("GEGLU") ? [`${block}.ff.net.0.proj`] : []),
    ...attention(`${block}.attn2`),
  ]);
}

/** All are 768 x 768, so no shape would show a mistake: k, v, q, out is how transformers registers them. */
function textOrder(classes: readonly string[]): string[] {
  if (!classes.includes("CLIPAttention")) return [];
  return Array.from({ length: 12 }, (_, layer) =>
    ["k_proj", "v_proj", "q_proj", "out_proj"].map(
      (matrix) => `text_encoder.text_model.encoder.layers.${layer}.self_attn.${matrix}`,
    ),
  ).flat();
}

/** The tool knew SD1.x only. */
function placeOf(path: string): Place {
  return { sdxl: -1, sd15: modulesOf("sd15").findIndex((module) => module.path === path) };
}
