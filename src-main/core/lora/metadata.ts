/** What a LoRA file says of itself in its header: the `ss_*` block, ModelSpec, PEFT's configuration, Facet's recipe. */
import { FacetError } from "../errors.ts";
import { mostFrequent } from "./alpha.ts";
import type { Family } from "./lora.ts";

export type Metadata = Record<string, string>;

/** ComfyUI's `/view_metadata` route answers 404 above this many bytes of header (formats.md 1.10). */
const headerLimit = 1 << 20;

/** Facts of the identity, known without its matrices. */
export interface Description {
  readonly name: string;
  /** Milliseconds since 1970: when the identity was made, not when it is written, so that its bytes repeat. */
  readonly createdAt: number;
  readonly facetVersion: string;
  readonly triggerWords?: readonly string[];
  readonly tags?: readonly string[];
  readonly notes?: string;
  readonly preferredWeight?: number | null;
  /** Names of the identities it was made from. */
  readonly mergedFrom?: readonly string[];
  /** The recipe record as JSON. */
  readonly recipe?: string;
  /** Header of the original file: training facts, author and licence travel on. */
  readonly original?: Readonly<Metadata>;
}

/** Facts of the matrices that are about to be written. */
export interface Written {
  readonly family: Family;
  readonly dialect: "kohya" | "kohya-diffusers" | "peft";
  readonly modules: readonly {
    readonly path: string;
    readonly rank: number;
    /** As stored in the file; the rank where the scale is folded into the matrices. */
    readonly alpha: number;
    readonly kernel: readonly [number, number];
  }[];
}

/** SHA-256 of the data section, and the older hash over a window of the whole; lower-case hex. */
export interface Hashes {
  readonly data: string;
  readonly legacy: string;
}

/** The recipe's key: what makes an exported file open again as an editable identity. */
export const recipeKey = "facet.recipe";

/** Computed for the matrices at hand, so an original's values would be wrong. */
const notCarried = new Set([
  "ss_output_name",
  "ss_network_module",
  "ss_network_dim",
  "ss_network_alpha",
  "ss_network_args",
  "ss_base_model_version",
  "ss_v2",
]);
/** ModelSpec keys that stay true of a copy. */
const carriedSpec = new Set(
  [
    "author",
    "license",
    "description",
    "usage_hint",
    "trigger_phrase",
    "tags",
    "thumbnail",
    "merged_from",
    "date",
  ].map((key) => `modelspec.${key}`),
);
/** Given up in this order when the header would pass the limit; everything else is needed by some loader. */
const dispensable = [
  "ssmd_cover_images",
  "modelspec.thumbnail",
  "ss_bucket_info",
  "ss_datasets",
  "ss_dataset_dirs",
  "ss_tag_frequency",
  "modelspec.description",
  "modelspec.tags",
];

const bases: Record<
  Family,
  { version: string; architecture: string; implementation: string; resolution: string }
> = {
  sdxl: {
    version: "sdxl_base_v1-0",
    architecture: "stable-diffusion-xl-v1-base/lora",
    implementation: "https://github.com/Stability-AI/generative-models",
    resolution: "1024x1024",
  },
  sd15: {
    version: "sd_v1",
    architecture: "stable-diffusion-v1/lora",
    implementation: "diffusers",
    resolution: "512x512",
  },
};

/** The part of the header that only the library knows; `metadataFor` adds what depends on the matrices. */
export function describeIdentity(description: Description): Metadata {
  const metadata = carried(description.original ?? {});
  metadata["ss_output_name"] = description.name;
  metadata["modelspec.title"] = description.name;
  metadata["modelspec.date"] ??= new Date(description.createdAt).toISOString();
  metadata["modelspec.implementation_version"] = `facet ${description.facetVersion}`;
  const words = description.triggerWords ?? [];
  if (words.length > 0) {
    metadata["modelspec.trigger_phrase"] = words.join(", ");
    // The first data set's tags are what A1111 and Lora-Manager offer as trigger words.
    metadata["ss_tag_frequency"] ??= JSON.stringify({
      facet: Object.fromEntries(words.map((word) => [word, 1])),
    });
  }
  const tags = description.tags ?? [];
  if (tags.length > 0) metadata["modelspec.tags"] = tags.join(", ");
  if (description.notes) metadata["modelspec.description"] = description.notes;
  if (description.preferredWeight !== undefined && description.preferredWeight !== null) {
    metadata["modelspec.usage_hint"] = `Strength ${description.preferredWeight}`;
  }
  const parents = description.mergedFrom ?? [];
  if (parents.length > 0) metadata["modelspec.merged_from"] = parents.join(", ");
  if (description.recipe !== undefined) metadata[recipeKey] = description.recipe;
  return metadata;
}

/** The whole header of a file, without the hashes that `withHashes` adds once the data is known. */
export function metadataFor(identity: Readonly<Metadata>, written: Written): Metadata {
  const base = bases[written.family];
  const metadata: Metadata = {
    ...identity,
    format: "pt",
    ss_base_model_version: base.version,
    ss_v2: "False",
    ss_network_module: "networks.lora",
    ss_network_dim: shared(written.modules.map((module) => module.rank)),
    ss_network_alpha: shared(written.modules.map((module) => module.alpha)),
    "modelspec.sai_model_spec": "1.0.1",
    "modelspec.architecture": base.architecture,
    "modelspec.implementation": base.implementation,
    "modelspec.resolution": base.resolution,
    "modelspec.prediction_type": "epsilon",
  };
  metadata["modelspec.title"] ??= metadata["ss_output_name"] ?? "LoRA";
  const convolutions = written.modules.filter((module) => module.kernel[0] * module.kernel[1] > 1);
  if (convolutions.length > 0) {
    metadata["ss_network_args"] = JSON.stringify({
      conv_dim: shared(convolutions.map((module) => module.rank)),
      conv_alpha: shared(convolutions.map((module) => module.alpha)),
    });
  }
  if (written.dialect === "peft")
    metadata["lora_adapter_metadata"] = JSON.stringify(peftConfig(written));
  return metadata;
}

/** The metadata that the `sshs_*` hashes are defined over: kohya serialises with nothing but `ss_*`. */
export function hashedPart(metadata: Readonly<Metadata>): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key.startsWith("ss_")));
}

export function withHashes(metadata: Readonly<Metadata>, hashes: Hashes): Metadata {
  return {
    ...metadata,
    sshs_model_hash: hashes.data,
    sshs_legacy_hash: hashes.legacy,
    "modelspec.hash_sha256": `0x${hashes.data}`,
  };
}

/**
 * The header of the metadata, without what is least needed where it would pass the limit.
 * Throws `too-large` when even the necessary part does.
 */
export function fitHeader(
  metadata: Metadata,
  encode: (metadata: Metadata) => Uint8Array,
  limit = headerLimit,
): Uint8Array {
  let kept = metadata;
  let header = encode(kept);
  for (const key of dispensable) {
    if (header.length <= limit) return header;
    if (!(key in kept)) continue;
    kept = Object.fromEntries(Object.entries(kept).filter(([name]) => name !== key));
    header = encode(kept);
  }
  if (header.length <= limit) return header;
  throw new FacetError(
    "too-large",
    `The header would be ${header.length} bytes, and tools read at most ${limit}. Its recipe takes ${kept[recipeKey]?.length ?? 0} characters.`,
    { field: "__metadata__" },
  );
}

/** What of an original's header stays true when its matrices are written again. */
function carried(original: Readonly<Metadata>): Metadata {
  const kept: Metadata = {};
  for (const [key, value] of Object.entries(original)) {
    const training = key.startsWith("ss_") && !notCarried.has(key);
    if (training || key === "ssmd_cover_images" || key === recipeKey || carriedSpec.has(key))
      kept[key] = value;
  }
  return kept;
}

/** One number where all agree; kohya's own word where they do not. */
function shared(values: readonly number[]): string {
  const [first] = values;
  if (first === undefined) return "0";
  return values.every((value) => value === first) ? String(first) : "Dynamic";
}

/**
 * Values of peft's LoraConfig with the component in front, as diffusers writes and reads them.
 * Once any is there, diffusers builds the configuration from these values alone (not from the shapes), so every
 * component needs its own, and ranks that differ need their pattern.
 */
function peftConfig(written: Written): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  const components = new Set(written.modules.map((module) => componentOf(module.path)));
  for (const component of components) {
    const modules = written.modules.filter((module) => componentOf(module.path) === component);
    const rank = mostFrequent(modules.map((module) => module.rank));
    const alpha = mostFrequent(modules.map((module) => module.alpha));
    const values = {
      r: rank,
      lora_alpha: alpha,
      target_modules: modules.map((module) => target(module.path)),
      rank_pattern: pattern(modules, rank, (module) => module.rank),
      alpha_pattern: pattern(modules, alpha, (module) => module.alpha),
      lora_dropout: 0,
      bias: "none",
      use_dora: false,
      use_rslora: false,
    };
    for (const [key, value] of Object.entries(values)) config[`${component}.${key}`] = value;
  }
  return config;
}

function pattern<M extends { readonly path: string }>(
  modules: readonly M[],
  usual: number,
  valueOf: (module: M) => number,
): Record<string, number> {
  return Object.fromEntries(
    modules
      .filter((module) => valueOf(module) !== usual)
      .map((module) => [target(module.path), valueOf(module)]),
  );
}

function componentOf(path: string): string {
  return path.slice(0, path.indexOf("."));
}

/**
 * The module below its component. peft matches whole names and endings after a dot, and transformers 5 dropped the
 * `text_model` level of the first encoder: without it the name fits both.
 */
function target(path: string): string {
  const name = path.slice(path.indexOf(".") + 1);
  return name.startsWith("text_model.") ? name.slice("text_model.".length) : name;
}
