/** What a dialect is: how one naming convention of LoRA files is read key by key and, where it can be, written. */
import type { NameTable, Place } from "../architecture/names.ts";
import type { Family, ModuleShape } from "../lora.ts";
import type { TensorFile } from "../../formats/source.ts";

/** What a tensor is to its module. Matrices of LyCORIS kinds keep their own names. */
export type Role =
  | "down"
  | "up"
  | "mid"
  | "alpha"
  | "dora"
  | "magnitude"
  | "hada_w1_a"
  | "hada_w1_b"
  | "hada_w2_a"
  | "hada_w2_b"
  | "hada_t1"
  | "hada_t2"
  | "lokr_w1"
  | "lokr_w1_a"
  | "lokr_w1_b"
  | "lokr_w2"
  | "lokr_w2_a"
  | "lokr_w2_b"
  | "lokr_t2"
  | "diff"
  | "set"
  | "glora"
  | "oft"
  | "ia3"
  | "norm"
  | "bias";

export type DialectId =
  | "kohya-sgm"
  | "kohya-diffusers"
  | "peft"
  | "peft-raw"
  | "weights2weights"
  | "diffusers-legacy"
  | "diffusers-processor"
  | "cloneofsimo"
  | "comfy"
  | "lycoris";

export interface KeyReading {
  readonly role: Role;
  readonly place: Place;
  /** PEFT's adapter name where the key carries one. */
  readonly adapter?: string;
}

export type Header = Pick<TensorFile, "name" | "tensors" | "metadata">;

export interface Dialect {
  readonly id: DialectId;
  /** What the key says, or undefined where this dialect does not know it. */
  parse(key: string, header: Header): KeyReading | undefined;
  /** Set where a key's meaning depends on the file's metadata, so that readings must not be remembered. */
  readonly positional?: true;
  /** Where a dialect is known by the file as a whole: whether these modules are what it holds. */
  claims?(modules: readonly { readonly path: string; readonly rank: number }[]): boolean;
  /** Stands where the file has no alpha. */
  readonly alpha?: number;
  /** Words that every file of the dialect was trained with. */
  readonly triggerWords?: readonly string[];
}

export interface WritableDialect extends Dialect {
  /** Name of a module up to the part: `lora_unet_…`, `unet.…`. */
  write(module: ModuleShape, family: Family): string;
  readonly suffixes: {
    readonly down: string;
    readonly up: string;
    /** Absent where the format keeps alpha outside the tensors. */
    readonly alpha?: string;
  };
}

export type Suffixes = ReadonlyMap<string, Role>;

/** formats.md 1.5: what LyCORIS and ComfyUI put behind a module's name besides LoRA's own two. */
const lycoris: readonly (readonly [string, Role])[] = [
  [".alpha", "alpha"],
  [".dora_scale", "dora"],
  [".hada_w1_a", "hada_w1_a"],
  [".hada_w1_b", "hada_w1_b"],
  [".hada_w2_a", "hada_w2_a"],
  [".hada_w2_b", "hada_w2_b"],
  [".hada_t1", "hada_t1"],
  [".hada_t2", "hada_t2"],
  [".lokr_w1", "lokr_w1"],
  [".lokr_w1_a", "lokr_w1_a"],
  [".lokr_w1_b", "lokr_w1_b"],
  [".lokr_w2", "lokr_w2"],
  [".lokr_w2_a", "lokr_w2_a"],
  [".lokr_w2_b", "lokr_w2_b"],
  [".lokr_t2", "lokr_t2"],
  [".diff", "diff"],
  [".diff_b", "bias"],
  [".set_weight", "set"],
  [".w_norm", "norm"],
  [".b_norm", "norm"],
  [".a1.weight", "glora"],
  [".a2.weight", "glora"],
  [".b1.weight", "glora"],
  [".b2.weight", "glora"],
  [".oft_blocks", "oft"],
  [".oft_diag", "oft"],
  [".oft_r", "oft"],
  [".oft_r.weight", "oft"],
  [".oft_R.weight", "oft"],
  [".rescale", "oft"],
  [".ia3_l", "ia3"],
  [".on_input", "ia3"],
];

const kohya: readonly (readonly [string, Role])[] = [
  [".lora_down.weight", "down"],
  [".lora_up.weight", "up"],
  [".lora_mid.weight", "mid"],
  [".lora_up.bias", "bias"],
];

const peft: readonly (readonly [string, Role])[] = [
  [".lora_A.weight", "down"],
  [".lora_B.weight", "up"],
  [".lora_A", "down"],
  [".lora_B", "up"],
  [".lora_B.bias", "bias"],
  [".lora_magnitude_vector", "magnitude"],
  [".lora_magnitude_vector.weight", "magnitude"],
];

/** Behind names without dots. IA3's `.weight` is told apart by the module's name before it. */
export const flatSuffixes: Suffixes = new Map([
  ...kohya,
  ...peft,
  ...lycoris,
  [".weight", "ia3"] as const,
]);

/** Behind dotted names as ComfyUI reads them. */
export const dottedSuffixes: Suffixes = new Map([...kohya, ...peft, ...lycoris]);

/** Behind dotted names as PEFT and diffusers write them. */
export const peftSuffixes: Suffixes = new Map([...peft, ...lycoris]);

const nowhere: Place = { sdxl: -1, sd15: -1 };

/**
 * Reading of a key whose module name was split off, or undefined where no module has that name. Norm layers and
 * biases are no matrices and have no place in the layout, but their kind is still told.
 */
function understand(
  name: string,
  role: Role,
  names: NameTable,
  prefixes: readonly string[],
): KeyReading | undefined {
  const place = names.get(name);
  if (place !== undefined) return { role, place };
  if ((role === "norm" || role === "bias") && prefixes.some((prefix) => name.startsWith(prefix))) {
    return { role, place: nowhere };
  }
  return undefined;
}

/** Key = name without dots, then suffix. */
export function parseFlat(
  key: string,
  suffixes: Suffixes,
  names: NameTable,
  prefixes: readonly string[],
): KeyReading | undefined {
  const dot = key.indexOf(".");
  if (dot < 0) return undefined;
  const role = suffixes.get(key.slice(dot));
  return role && understand(key.slice(0, dot), role, names, prefixes);
}

/** No suffix has more parts than this. */
const longestSuffix = 4;

/** Key = dotted name, then suffix: tries every suffix from the right. */
export function parseDotted(
  key: string,
  suffixes: Suffixes,
  names: NameTable,
  prefixes: readonly string[],
): KeyReading | undefined {
  let dot = key.lastIndexOf(".");
  for (let parts = 0; dot > 0 && parts < longestSuffix; parts++) {
    const role = suffixes.get(key.slice(dot));
    const reading = role && understand(key.slice(0, dot), role, names, prefixes);
    if (reading) return reading;
    dot = key.lastIndexOf(".", dot - 1);
  }
  return undefined;
}
