/** What torch, ComfyUI and diffusers computed, stored by test/fixtures/samplers/make.py. */
import { join } from "node:path";
import { readTensorFile } from "../../../../support/safetensors.ts";

export interface SamplerReferences {
  /** Values of a tensor by name. */
  readonly values: (name: string) => Float32Array;
  readonly names: readonly string[];
  /** A note beside the tensors. */
  readonly note: (name: string) => unknown;
}

export function samplerReferences(name: string): SamplerReferences {
  const path = join(import.meta.dirname, `../../../../fixtures/samplers/${name}.safetensors`);
  const { tensors, metadata } = readTensorFile(path);
  if (metadata["magic"] !== "facet-reference" || metadata["version"] !== "1")
    throw new Error(`${name}.safetensors is no reference of version 1: run make.py again.`);
  return {
    values: (key) => {
      const tensor = tensors.get(key);
      if (tensor === undefined) throw new Error(`The references lack ${key}.`);
      return tensor.values;
    },
    names: [...tensors.keys()],
    note: (key) => JSON.parse(metadata[key] ?? "null"),
  };
}
