/** Which model family a LoRA is for, by the names and shapes of its matrices. */
import { FacetError } from "../errors.ts";
import { modulesOf } from "./architecture/index.ts";
import type { Header, Role } from "./dialects/dialect.ts";
import { columns, families } from "./lora.ts";
import type { Family, ModuleShape } from "./lora.ts";
import { observe, type Placed, rowLength } from "./widths/observe.ts";
import { contradictions } from "./widths/infer.ts";

/** Models whose module names are those of SD1.5 or SDXL: width of the text context, and channels of their levels. */
const otherModels = [
  { width: 1024, model: "Stable Diffusion 2 (text width 1024)", channels: [320, 640, 1280] },
  { width: 1280, model: "the SDXL refiner (text width 1280)", channels: [384, 768, 1536] },
] as const;

/**
 * The family in which most of the named matrices exist with fitting shapes. Where most fit neither family's published
 * widths (a model of other widths), names decide, then whether the shapes agree with each other, then what the file
 * says of itself.
 */
export function chooseFamily(header: Header, placed: readonly Placed[]): Family {
  const fitting: Record<Family, number> = { sdxl: 0, sd15: 0 };
  const named: Record<Family, number> = { sdxl: 0, sd15: 0 };
  const shaped: Record<Family, number> = { sdxl: 0, sd15: 0 };
  for (const family of families) {
    const layout = modulesOf(family);
    for (const { entry, understood } of placed) {
      const module = layout[understood.place[family]];
      if (!module) continue;
      const fit = fits(module, understood.role, entry.shape);
      named[family]++;
      if (fit !== undefined) shaped[family]++;
      if (fit !== false) fitting[family]++;
    }
  }
  const family = fitting.sdxl > fitting.sd15 ? "sdxl" : "sd15";
  if (fitting[family] < placed.length) {
    refuseOthers(header, placed);
    const misfits = named[family] - fitting[family];
    if (2 * misfits > shaped[family]) return familyOfOtherWidths(header, placed, named);
  }
  if (fitting.sdxl !== fitting.sd15) return family;
  return (
    statedFamily(header) ??
    refuseUnclear(header, `Its ${placed.length} matrices fit SDXL and SD 1.5 alike`)
  );
}

/**
 * Names first: the second text encoder, the number of levels and where they have attention, how deep it is. The same
 * names in both leave the shapes: levels that share a width in one family (SDXL's outer up blocks have attention,
 * SD1.5's inner ones) do not in the other, and a text context is as wide as one encoder or as both together.
 */
function familyOfOtherWidths(
  header: Header,
  placed: readonly Placed[],
  named: Readonly<Record<Family, number>>,
): Family {
  if (named.sdxl !== named.sd15) return named.sdxl > named.sd15 ? "sdxl" : "sd15";
  const sdxl = contradictions("sdxl", observe("sdxl", placed));
  const sd15 = contradictions("sd15", observe("sd15", placed));
  if (sdxl !== sd15) return sdxl < sd15 ? "sdxl" : "sd15";
  return (
    statedFamily(header) ??
    refuseUnclear(
      header,
      `Its ${placed.length} matrices have names of both SDXL and SD 1.5 and the widths of neither`,
    )
  );
}

function refuseUnclear(header: Header, what: string): never {
  throw new FacetError(
    "unsupported",
    `${what}, and nothing in the file says which it is for. Give it \`ss_base_model_version\` (\`sdxl_base_v1-0\` or \`sd_v1\`) in its metadata.`,
    { path: header.name, field: "ss_base_model_version" },
  );
}

/**
 * Whether a shape is possible for the module: enough to tell the families apart, not the full check. Undefined where a
 * shape alone says nothing.
 */
function fits(module: ModuleShape, role: Role, shape: readonly number[]): boolean | undefined {
  const rows = shape[0] ?? 1;
  const width = rowLength(shape);
  switch (role) {
    case "down":
    case "hada_w1_b":
    case "hada_w2_b":
      return width === columns(module) || width === module.in;
    case "up":
    case "diff":
    case "set":
      return rows === module.out;
    case "hada_w1_a":
    case "hada_w2_a":
      return rows === module.out || width === module.out;
    default:
      return undefined;
  }
}

function refuseOthers(header: Header, placed: readonly Placed[]): void {
  const seen = new Map<number, string>();
  /** Channels of the attentions, which tell a small model with such a text width from these. */
  const channels = new Set<number>();
  for (const { entry, understood } of placed) {
    const module =
      modulesOf("sd15")[understood.place.sd15] ?? modulesOf("sdxl")[understood.place.sdxl];
    if (!module) continue;
    if (understood.role === "up" && /\.attn[12]\.to_[qkv]$/.test(module.path)) {
      channels.add(entry.shape[0] ?? 0);
    }
    if (understood.role !== "down") continue;
    const context = /\.attn2\.to_[kv]$/.test(module.path);
    const text = /^text_encoder\..*\.self_attn\./.test(module.path);
    const width = rowLength(entry.shape);
    if (context || (text && width === 1024)) {
      if (!seen.has(width)) seen.set(width, entry.name);
    }
  }
  for (const { width, model, channels: own } of otherModels) {
    const name = seen.get(width);
    if (name === undefined) continue;
    if (channels.size > 0 && !own.some((size) => channels.has(size))) continue;
    throw new FacetError(
      "unsupported",
      `This LoRA is for ${model}, by ${name} [${header.tensors.get(name)?.shape.join(", ")}]. Facet works with SDXL (2048) and SD 1.5 (768).`,
      { path: header.name, field: name },
    );
  }
}

/** What the metadata or kohya's numbering of text encoders say; asked only where shapes leave it open. */
function statedFamily(header: Header): Family | undefined {
  const version = header.metadata.get("ss_base_model_version") ?? "";
  const architecture = header.metadata.get("modelspec.architecture") ?? "";
  if (version.startsWith("sdxl_") || architecture.startsWith("stable-diffusion-xl")) return "sdxl";
  if (version.startsWith("sd_v1") || architecture.startsWith("stable-diffusion-v1")) return "sd15";
  for (const name of header.tensors.keys()) {
    if (name.startsWith("lora_te1_")) return "sdxl";
    if (name.startsWith("lora_te_")) return "sd15";
  }
  return undefined;
}
