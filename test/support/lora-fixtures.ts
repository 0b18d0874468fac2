/** Loads the key-to-shape maps of test/fixtures/lora as files of zeros or of seeded numbers. */
import { readFileSync, readdirSync } from "node:fs";
import type { TensorFile } from "../../src-main/core/formats/source.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { memoryFile } from "./memory-file.ts";
import type { MemoryTensor } from "./memory-file.ts";

export interface LoraFixture {
  readonly name: string;
  readonly dialect: string;
  readonly family: "sdxl" | "sd15";
  readonly metadata: Record<string, string>;
  /** `[module path, ...shape]`; the path is empty for a tensor that belongs to none. */
  readonly tensors: Record<string, [string, ...number[]]>;
}

const folder = new URL("../fixtures/lora/", import.meta.url);

export function loraFixtures(): LoraFixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .map((file) => loraFixture(file.slice(0, -".json".length)));
}

export function loraFixture(name: string): LoraFixture {
  const parsed = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as Omit<
    LoraFixture,
    "name"
  >;
  return { name, ...parsed };
}

/** Header of the file; values are zeros. */
export function fixtureFile({ name, tensors, metadata }: LoraFixture): TensorFile {
  const entries: Record<string, MemoryTensor> = {};
  for (const [key, [, ...shape]] of Object.entries(tensors)) entries[key] = { shape };
  return memoryFile(entries, metadata, `${name}.safetensors`);
}

/** The same names and shapes with numbers in them; alphas are 1. */
export function filledFixture({ name, tensors, metadata }: LoraFixture, seed: number): TensorFile {
  const random = seededRandom(seed);
  const entries: Record<string, MemoryTensor> = {};
  for (const [key, [, ...shape]] of Object.entries(tensors)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (shape.length === 0) values.fill(1);
    else random.fillNormal(values);
    entries[key] = { shape, values };
  }
  return memoryFile(entries, metadata, `${name}.safetensors`);
}
