/** Which model family a LoRA is for, by the names and shapes of its matrices. */
import { FacetError } from "../errors.ts";
import type { TensorEntry } from "../formats/source.ts";
import { modulesOf } from "./architecture/index.ts";
import type { Header, Role } from "./dialects/dialect.ts";
import type { Understood } from "./dialects/index.ts";
import { columns, families } from "./lora.ts";
import type { Family, ModuleShape } from "./lora.ts";

interface Placed {
  readonly entry: TensorEntry;
  readonly understood: Understood;
}

/** Widths of the text context and of the text encoder in models whose module names are those of SD1.5 or SDXL. */
const otherWidths = new Map([
  [1024, "Stable Diffusion 2 (text width 1024)"],
  [1280, "the SDXL refiner (text width 1280)"],
]);

/** The family in which most of the named matrices exist with fitting shapes. */
export function chooseFamily(header: Header, placed: readonly Placed[]): Family {
  const fitting: Record<Family, number> = { sdxl: 0, sd15: 0 };
  const named: Record<Family, number> = { sdxl: 0, sd15: 0 };
  for (const family of families) {
    const layout = modulesOf(family);
    for (const { entry, understood } of placed) {
      const module = layout[understood.place[family]];
      if (!module) continue;
      named[family]++;
      if (fits(module, understood.role, entry.shape)) fitting[family]++;
    }
  }
  const family = fitting.sdxl > fitting.sd15 ? "sdxl" : "sd15";
  if (fitting[family] < placed.length) refuseOthers(header, placed);
  if (fitting.sdxl !== fitting.sd15) return family;
  // Nothing fits: the names decide, and the shape check that follows says which shape is wrong.
  if (fitting.sdxl === 0 && named.sdxl !== named.sd15)
    return named.sdxl > named.sd15 ? "sdxl" : "sd15";
  const stated = statedFamily(header);
  if (stated) return stated;
  throw new FacetError(
    "unsupported",
    `Its ${placed.length} matrices fit SDXL and SD 1.5 alike, and nothing in the file says which it is for. Give it \`ss_base_model_version\` (\`sdxl_base_v1-0\` or \`sd_v1\`) in its metadata.`,
    { path: header.name, field: "ss_base_model_version" },
  );
}

/** Whether a shape is possible for the module: enough to tell the families apart, not the full check. */
function fits(module: ModuleShape, role: Role, shape: readonly number[]): boolean {
  const rows = shape[0] ?? 1;
  const width = trailing(shape);
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
      return true;
  }
}

/** Elements of one row. A loop: this runs for every tensor of a library. */
function trailing(shape: readonly number[]): number {
  let width = 1;
  for (let axis = 1; axis < shape.length; axis++) width *= shape[axis] as number;
  return width;
}

function refuseOthers(header: Header, placed: readonly Placed[]): void {
  const seen = new Map<number, string>();
  for (const { entry, understood } of placed) {
    const module =
      modulesOf("sd15")[understood.place.sd15] ?? modulesOf("sdxl")[understood.place.sdxl];
    if (understood.role !== "down" || !module) continue;
    const context = /\.attn2\.to_[kv]$/.test(module.path);
    const text = /^text_encoder\..*\.self_attn\./.test(module.path);
    const width = trailing(entry.shape);
    if ((context && otherWidths.has(width)) || (text && width === 1024)) {
      if (!seen.has(width)) seen.set(width, entry.name);
    }
  }
  for (const [width, model] of otherWidths) {
    const name = seen.get(width);
    if (name === undefined) continue;
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
