/** Opens checkpoints from disk: single files and diffusers folders, headers and configurations only. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type {
  CheckpointFiles,
  CheckpointPart,
  LocatedTensor,
  ModelComponent,
} from "../core/checkpoint/checkpoint.ts";
import { FacetError } from "../core/errors.ts";
import { openTensorFile } from "../core/formats/open.ts";
import { readSafetensors } from "../core/formats/safetensors/read.ts";
import { readError } from "./errors.ts";
import { openFileSource } from "./source.ts";

/** Larger ones are no configurations; the index of a sharded SDXL takes 200 kB. */
const jsonLimit = 16 * 1024 * 1024;

/** The folders of a diffusers model that hold weights, and how their files are called. */
const folders: readonly (readonly [ModelComponent, string])[] = [
  ["unet", "diffusion_pytorch_model"],
  ["text_encoder", "model"],
  ["text_encoder_2", "model"],
  ["vae", "diffusion_pytorch_model"],
];

/** Classes of diffusers whose folder may be opened alone. */
const classes: ReadonlyMap<unknown, ModelComponent> = new Map([
  ["UNet2DConditionModel", "unet"],
  ["AutoencoderKL", "vae"],
]);

/** Throws `not-found`, `not-readable`, `truncated`, `malformed` or `unsupported`, always with the path. */
export function openCheckpoint(path: string): CheckpointFiles {
  if (!isFolder(path)) return { path, kind: "single-file", parts: [openPart(path)] };
  const alone = classes.get(objectIn(join(path, "config.json"))?.["_class_name"]);
  const parts =
    alone === undefined
      ? folders.flatMap(([component, stem]) => {
          const folder = join(path, component);
          return exists(folder) ? [openFolder(folder, component, stem)] : [];
        })
      : [openFolder(path, alone, "diffusion_pytorch_model")];
  if (parts.length === 0) {
    throw new FacetError(
      "unsupported",
      `"${path}" is no diffusers model: it has none of the folders ${folders.map(([name]) => name).join(", ")}. ` +
        "Choose the folder that has model_index.json, or a .safetensors file.",
      { path },
    );
  }
  const scheduler = objectIn(join(path, "scheduler", "scheduler_config.json"));
  return { path, kind: "diffusers", parts, ...(scheduler ? { scheduler } : {}) };
}

function openFolder(path: string, component: ModelComponent, stem: string): CheckpointPart {
  const files = weightFiles(path, stem).map((name) => openPart(join(path, name)));
  const config = objectIn(join(path, "config.json"));
  return {
    component,
    path,
    tensors: new Map(files.flatMap(({ tensors }) => Array.from(tensors))),
    metadata: new Map(files.flatMap(({ metadata }) => Array.from(metadata))),
    ...(config ? { config } : {}),
  };
}

/** The plain file first, as diffusers does; else one of a variant such as fp16. */
function weightFiles(folder: string, stem: string): readonly string[] {
  const names = readdirSync(folder).toSorted();
  const plain = `${stem}.safetensors`;
  if (names.includes(plain)) return [plain];
  const index = `${stem}.safetensors.index.json`;
  if (names.includes(index)) return shards(folder, index);
  // An average over training, which nobody means who names no variant.
  const variants = names.filter((name) => name.startsWith(`${stem}.`) && !name.includes("non_ema"));
  const whole = variants.find((name) => /^[^.]+\.[^.]+\.safetensors$/.test(name));
  if (whole !== undefined && !/-\d{5}-of-\d{5}/.test(whole)) return [whole];
  const variant = variants.find((name) => /\.safetensors\.index\.[^.]+\.json$/.test(name));
  if (variant !== undefined) return shards(folder, variant);
  const pickle = names.find((name) => /\.(bin|pt|ckpt)$/.test(name));
  throw new FacetError(
    pickle === undefined ? "not-found" : "unsupported",
    pickle === undefined
      ? `"${folder}" has no ${plain}. The model is not whole: copy or download it again.`
      : `"${folder}" holds its weights as ${pickle}, a Python pickle, which Facet does not open. Get the model as ` +
          "safetensors, or save it so from diffusers (safe_serialization=True).",
    { path: folder },
  );
}

function shards(folder: string, index: string): string[] {
  const path = join(folder, index);
  const places = objectIn(path)?.["weight_map"];
  const names =
    typeof places === "object" && places !== null
      ? Array.from(new Set<unknown>(Object.values(places)))
      : [];
  return names.length > 0
    ? names.map((name) => {
        // Names from a file of strangers: none may lead out of the folder.
        if (typeof name === "string" && /^[^/\\]+\.safetensors$/.test(name)) return name;
        throw malformedIndex(path);
      })
    : refuseIndex(path);
}

function refuseIndex(path: string): never {
  throw malformedIndex(path);
}

function malformedIndex(path: string): FacetError {
  return new FacetError(
    "malformed",
    `"${path}" does not say in which .safetensors files beside it the tensors lie. Copy or download it again.`,
    { path, field: "weight_map" },
  );
}

function openPart(path: string): CheckpointPart {
  using source = openFileSource(path);
  const start = source.read(0, Math.min(source.size, 9));
  const text = String.fromCharCode(...start);
  // As in openTensorFile: a header's length may begin like a pickle, but no pickle has a brace at byte 8.
  if (start[8] !== 0x7b) {
    if (text.startsWith("PK\u0003\u0004") || start[0] === 0x80) {
      throw new FacetError(
        "unsupported",
        `"${path}" is a PyTorch checkpoint (.ckpt), a Python pickle that may run programs when it is opened: Facet ` +
          "opens models as safetensors only. Get the model as .safetensors, or load this one in ComfyUI and save it " +
          "with Save Checkpoint.",
        { path },
      );
    }
    // Says what else it is.
    openTensorFile(source);
  }
  const file = readSafetensors(source);
  const tensors = new Map<string, LocatedTensor>();
  for (const [name, { dtype, shape, start: from, end }] of file.tensors) {
    const offset = file.dataOffset + from;
    tensors.set(name, { name, dtype, shape, path, offset, length: end - from });
  }
  return { component: null, path, tensors, metadata: file.metadata };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw readError(path, error);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Undefined where the file is not there; a broken one is an error, since heads and schedules stand in it. */
function objectIn(path: string): Readonly<Record<string, unknown>> | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status?.isFile()) return undefined;
  try {
    if (status.size > jsonLimit) throw new Error(`${status.size} bytes`);
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof json === "object" && json !== null && !Array.isArray(json))
      return json as Record<string, unknown>;
    throw new Error("not an object");
  } catch (cause) {
    throw new FacetError(
      "malformed",
      `"${path}" is not the JSON object that it should be. Copy or download it again.`,
      { path, cause },
    );
  }
}
