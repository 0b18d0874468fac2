/** A TensorFile in memory, for tests that need no bytes. */
import type { PlannedTensor } from "../../src-main/core/formats/safetensors/write.ts";
import type { TensorEntry, TensorFile } from "../../src-main/core/formats/source.ts";
import type { DType } from "../../src-main/core/tensor/dtype.ts";

export interface MemoryTensor {
  readonly shape: readonly number[];
  /** Zeros where absent. */
  readonly values?: ArrayLike<number>;
  readonly dtype?: DType;
}

export function memoryFile(
  tensors: Readonly<Record<string, MemoryTensor>>,
  metadata: Readonly<Record<string, string>> = {},
  name = "memory.safetensors",
): TensorFile {
  const entries = new Map<string, TensorEntry>();
  for (const [key, { shape, dtype }] of Object.entries(tensors)) {
    entries.set(key, { name: key, dtype: dtype ?? "F32", shape });
  }
  return {
    name,
    tensors: entries,
    metadata: new Map(Object.entries(metadata)),
    readFloat32(key) {
      const tensor = tensors[key];
      if (!tensor) throw new Error(`no tensor ${key}`);
      const count = tensor.shape.reduce((product, size) => product * size, 1);
      return tensor.values ? Float32Array.from(tensor.values) : new Float32Array(count);
    },
  };
}

/** What a file written from these tensors would hold, without rounding to their element types. */
export function plannedFile(
  planned: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): TensorFile {
  const tensors: Record<string, MemoryTensor> = {};
  for (const { name, shape, dtype, values } of planned) {
    if (name in tensors) throw new Error(`two tensors named ${name}`);
    const made = values();
    if (!(made instanceof Float32Array)) throw new Error(`${name} is not planned as numbers`);
    tensors[name] = { shape, dtype, values: made };
  }
  return memoryFile(tensors, metadata);
}
