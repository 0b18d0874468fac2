/** Writes tiny checkpoints to disk as the wild has them: single files and diffusers folders, sound and faulty. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Family } from "../../../src-main/core/diffusion/unet-config.ts";
import { fromFloat32 } from "../../../src-main/core/tensor/convert.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { componentConfig, schedulerConfig } from "./diffusers-configs.ts";
import { type FormulaTensor, formulaTensors } from "./formula.ts";
import { openClipParameters, type ModelComponent, type ModelParameter } from "./parameters.ts";
import { type StoredBytes, writeStored } from "./stored.ts";
import { modelParameters, tinyConfigs } from "./tiny-configs.ts";

export { tinyConfigs } from "./tiny-configs.ts";

export interface TinyCheckpoint {
  readonly family: Family;
  /** F32 where absent. */
  readonly dtype?: "F32" | "F16" | "BF16";
  /** "single-file" where absent: `path` is then a file, else a folder. */
  readonly layout?: "single-file" | "diffusers";
  /** All where absent. */
  readonly components?: readonly ModelComponent[];
  /** "diffusers": with `fp16` in the files' names. */
  readonly variant?: "fp16";
  /** "diffusers": the UNet in this many files behind an index. */
  readonly shards?: number;
  /** Tensors lie at odd bytes. */
  readonly unaligned?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** "diffusers": changes to scheduler_config.json. */
  readonly scheduler?: Readonly<Record<string, unknown>>;
  /** Names in the file, here as below. */
  readonly leaveOut?: readonly string[];
  /** Shapes by name; values are zeros. */
  readonly misshape?: Readonly<Record<string, readonly number[]>>;
  /** Further tensors of zeros: marks (`v_pred`, `ztsnr`, `edm_mean` of shape []) and what merges carry. */
  readonly extras?: Readonly<Record<string, readonly number[]>>;
  /** What the UNet's matrices claim to be; values are zeros. */
  readonly fp8?: "F8_E4M3" | "F8_E5M2";
  /** CLIP-L's names lack the level `text_model`. */
  readonly withoutTextModel?: boolean;
  /** Another model in this one's shape. */
  readonly like?: "refiner" | "inpaint" | "sd2";
}

/** Values of a tiny model, as a network asks for them, rounded to the file's type. */
export function tinyTensors(family: Family, component: ModelComponent): Map<string, FormulaTensor> {
  const parameters = modelParameters(tinyConfigs[family]).get(component) ?? [];
  return formulaTensors(new Map(parameters.map(({ name, shape }) => [name, shape])));
}

export function writeTinyCheckpoint(path: string, checkpoint: TinyCheckpoint): void {
  const { family, layout = "single-file", components } = checkpoint;
  const parts = Array.from(modelsOf(checkpoint)).filter(
    ([component]) => components?.includes(component) ?? true,
  );
  if (layout === "single-file") {
    const tensors = parts.flatMap(([, parameters]) => inFile(parameters, checkpoint));
    writeStored(path, faulty(tensors, checkpoint), checkpoint);
    return;
  }
  mkdirSync(path, { recursive: true });
  const classes: Record<string, readonly string[]> = {};
  for (const [component, parameters] of parts) {
    const folder = join(path, component);
    mkdirSync(folder, { recursive: true });
    const config = componentConfig(tinyConfigs[family], component);
    classes[component] = config.library;
    writeJson(join(folder, "config.json"), config.values);
    const tensors = inFolder(component, parameters, checkpoint);
    const stem = component.startsWith("text") ? "model" : "diffusion_pytorch_model";
    const shards = component === "unet" ? (checkpoint.shards ?? 1) : 1;
    writeShards(folder, stem, shards, faulty(tensors, checkpoint), checkpoint);
  }
  mkdirSync(join(path, "scheduler"), { recursive: true });
  const scheduler = { ...schedulerConfig, ...checkpoint.scheduler };
  writeJson(join(path, "scheduler/scheduler_config.json"), scheduler);
  writeJson(join(path, "model_index.json"), {
    _class_name: family === "sdxl" ? "StableDiffusionXLPipeline" : "StableDiffusionPipeline",
    ...classes,
    scheduler: ["diffusers", schedulerConfig._class_name],
  });
}

function modelsOf({
  family,
  like,
}: TinyCheckpoint): Map<ModelComponent, readonly ModelParameter[]> {
  const config = tinyConfigs[family];
  const [clip, bigG] = config.textEncoders;
  switch (like) {
    case "refiner": {
      // bigG alone, as the first embedder, and five sizes.
      const width = bigG?.width ?? 0;
      const unet = { ...config.unet, context: width, addition: width + 5 * 256 };
      const models = modelParameters({ ...config, unet, textEncoders: [] });
      const parameters = bigG && openClipParameters(bigG, "conditioner.embedders.0.model.");
      return models.set("text_encoder_2", parameters ?? []);
    }
    case "sd2": {
      // OpenCLIP where SD1.5 has CLIP-L, and linear projections.
      const unet = { ...config.unet, linearProjection: true };
      const models = modelParameters({ ...config, unet, textEncoders: [] });
      const parameters = clip && openClipParameters(clip, "cond_stage_model.model.");
      return models.set("text_encoder", parameters ?? []);
    }
    default:
      return modelParameters(config);
  }
}

/** Stored tensors of one component; what makes up one tensor of the file is joined. */
function inFile(
  parameters: readonly ModelParameter[],
  checkpoint: TinyCheckpoint,
): [string, StoredBytes][] {
  const values = formulaTensors(new Map(parameters.map(({ name, shape }) => [name, shape])));
  const tensors = new Map<string, { shape: readonly number[]; parts: Float32Array[] }>();
  for (const { name, file, shape, fileShape = shape, third = 0, transposed } of parameters) {
    const stored = tensors.get(file) ?? { shape: fileShape, parts: [] };
    const own = values.get(name)?.values ?? new Float32Array(0);
    stored.parts[third] = transposed ? transpose(own, shape) : own;
    tensors.set(file, stored);
  }
  const { withoutTextModel = false } = checkpoint;
  return Array.from(tensors, ([file, { shape, parts }]) => [
    withoutTextModel ? file.replace(".text_model.", ".") : file,
    encoded(file, shape, parts, checkpoint),
  ]);
}

function inFolder(
  component: ModelComponent,
  parameters: readonly ModelParameter[],
  checkpoint: TinyCheckpoint,
): [string, StoredBytes][] {
  const values = formulaTensors(new Map(parameters.map(({ name, shape }) => [name, shape])));
  const bare = checkpoint.withoutTextModel && component === "text_encoder";
  return Array.from(values, ([name, tensor]) => [
    bare ? name.replace("text_model.", "") : name,
    encoded(name, tensor.shape, [tensor.values], checkpoint),
  ]);
}

function encoded(
  name: string,
  shape: readonly number[],
  parts: readonly Float32Array[],
  { dtype = "F32", fp8, like }: TinyCheckpoint,
): StoredBytes {
  if (fp8 !== undefined && shape.length > 1 && /diffusion_model|blocks/.test(name))
    return { dtype: fp8, shape, bytes: new Uint8Array(elementCount(shape)) };
  if (like === "inpaint" && /input_blocks\.0\.0\.weight|^conv_in\.weight/.test(name))
    return zeros([shape[0] ?? 0, 9, 3, 3]);
  const bytes = parts.map((values) => fromFloat32(values, dtype, name));
  return { dtype, shape, bytes: Buffer.concat(bytes) };
}

function transpose(values: Float32Array, [rows = 0, columns = 0]: readonly number[]): Float32Array {
  return values.map((_, index) => values[(index % rows) * columns + Math.floor(index / rows)] ?? 0);
}

function zeros(shape: readonly number[]): StoredBytes {
  return { dtype: "F32", shape, bytes: new Uint8Array(4 * elementCount(shape)) };
}

function faulty(
  tensors: readonly (readonly [string, StoredBytes])[],
  { leaveOut = [], misshape = {}, extras = {}, layout }: TinyCheckpoint,
): Map<string, StoredBytes> {
  const result = new Map(tensors);
  for (const name of leaveOut) result.delete(name);
  for (const [name, shape] of Object.entries(misshape))
    if (result.has(name)) result.set(name, zeros(shape));
  // In a folder each component would get them; a merge's extras are a single file's.
  if (layout !== "diffusers")
    for (const [name, shape] of Object.entries(extras)) result.set(name, zeros(shape));
  return result;
}

function writeShards(
  folder: string,
  stem: string,
  count: number,
  tensors: ReadonlyMap<string, StoredBytes>,
  checkpoint: TinyCheckpoint,
): void {
  const middle = checkpoint.variant === undefined ? "" : `.${checkpoint.variant}`;
  if (count === 1) {
    writeStored(join(folder, `${stem}${middle}.safetensors`), tensors, checkpoint);
    return;
  }
  const places: Record<string, string> = {};
  const digits = (number: number) => String(number).padStart(5, "0");
  const entries = Array.from(tensors);
  for (let shard = 0; shard < count; shard++) {
    const own = entries.filter((_, index) => index % count === shard);
    const file = `${stem}${middle}-${digits(shard + 1)}-of-${digits(count)}.safetensors`;
    for (const [name] of own) places[name] = file;
    writeStored(join(folder, file), new Map(own), checkpoint);
  }
  writeJson(join(folder, `${stem}.safetensors.index${middle}.json`), {
    metadata: {},
    weight_map: places,
  });
}

function writeJson(path: string, values: unknown): void {
  writeFileSync(path, `${JSON.stringify(values, null, 2)}\n`);
}
