/** Checkpoints of any size as their headers would be read: names, shapes and places, no file behind them. */
import type {
  CheckpointFiles,
  LocatedTensor,
  ModelComponent,
} from "../../../src-main/core/checkpoint/checkpoint.ts";
import type { ModelConfig } from "../../../src-main/core/diffusion/model-config.ts";
import { byteSize, type DType, elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { componentConfig, schedulerConfig } from "./diffusers-configs.ts";
import { modelParameters } from "./tiny-configs.ts";

export interface HeaderOptions {
  readonly dtype?: DType;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly components?: readonly ModelComponent[];
  /** Renames, adds and takes away; shapes by name. */
  readonly change?: (shapes: Map<string, readonly number[]>) => void;
}

/** Tensors one behind the other from byte 1000 on. */
function located(
  path: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  dtype: DType,
): Map<string, LocatedTensor> {
  let offset = 1000;
  return new Map(
    Array.from(shapes, ([name, shape]) => {
      const length = elementCount(shape) * byteSize(dtype);
      offset += length;
      return [name, { name, dtype, shape, path, offset: offset - length, length }];
    }),
  );
}

export function singleFileHeaders(
  config: ModelConfig,
  { dtype = "F16", metadata = {}, components, change }: HeaderOptions = {},
): CheckpointFiles {
  const shapes = new Map<string, readonly number[]>();
  for (const [component, parameters] of modelParameters(config)) {
    if (components?.includes(component) === false) continue;
    for (const { file, shape, fileShape = shape } of parameters) shapes.set(file, fileShape);
  }
  change?.(shapes);
  return filesOf(shapes, { dtype, metadata });
}

/** A file of these tensors and nothing else. */
export function filesOf(
  shapes: ReadonlyMap<string, readonly number[]>,
  { dtype = "F16", metadata = {} }: Pick<HeaderOptions, "dtype" | "metadata"> = {},
): CheckpointFiles {
  const path = "/models/model.safetensors";
  const tensors = located(path, shapes, dtype);
  const entries = new Map(Object.entries(metadata));
  return {
    path,
    kind: "single-file",
    parts: [{ component: null, path, tensors, metadata: entries }],
  };
}

/** `change` is given each component's names in turn. */
export function diffusersHeaders(
  config: ModelConfig,
  { dtype = "F16", components, change }: HeaderOptions = {},
  scheduler: Readonly<Record<string, unknown>> = {},
): CheckpointFiles {
  const path = "/models/folder";
  const parts = Array.from(modelParameters(config)).flatMap(([component, parameters]) => {
    if (components?.includes(component) === false) return [];
    const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
    change?.(shapes);
    const folder = `${path}/${component}`;
    return [
      {
        component,
        path: folder,
        tensors: located(`${folder}/model.safetensors`, shapes, dtype),
        metadata: new Map<string, string>(),
        config: componentConfig(config, component).values,
      },
    ];
  });
  return { path, kind: "diffusers", parts, scheduler: { ...schedulerConfig, ...scheduler } };
}
