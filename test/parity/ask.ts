/** Asks a script of this folder, in the Python that FACET_PYTHON names, and holds what it must be compared with. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import { readSafetensors } from "../../src-main/core/formats/safetensors/read.ts";
import { encodeSafetensors } from "../../src-main/core/formats/safetensors/write.ts";
import { columns, type Lora } from "../../src-main/core/lora/lora.ts";
import { writeAtomically } from "../../src-main/files/atomic-write.ts";
import { openFileSource } from "../../src-main/files/source.ts";

/** `Reference.compare` of common.py, and what the tool logged. */
export interface Compared {
  readonly modules: number;
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly wrong: Readonly<Record<string, number>>;
  readonly error: number;
  readonly complaints: readonly string[];
}

export function ask(script: string, question: object): Record<string, Compared> {
  const { stdout, stderr, status } = spawnSync(
    process.env["FACET_PYTHON"] ?? "python3",
    [join(import.meta.dirname, script), JSON.stringify(question)],
    { encoding: "utf8", maxBuffer: 1 << 28 },
  );
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, Compared>;
}

/** The factors of a LoRA under Facet's own paths: `up · down` is the delta. */
export function writeReference(path: string, lora: Lora): void {
  const plan = lora.modules.flatMap((module) => [
    {
      name: `${module.path}.down`,
      dtype: "F32" as const,
      shape: [module.rank, columns(module)],
      values: () => module.down,
    },
    {
      name: `${module.path}.up`,
      dtype: "F32" as const,
      shape: [module.out, module.rank],
      values: () => module.up,
    },
  ]);
  writeAtomically(path, encodeSafetensors(plan, {}).chunks, { overwrite: true });
}

export interface Factors {
  readonly down: Float32Array;
  readonly up: Float32Array;
  readonly rank: number;
  /** DoRA's, of the rows. */
  readonly magnitude: Float32Array | null;
}

export type Reference = ReadonlyMap<string, Factors>;

/** The factors that a script wrote into `reference.safetensors` of a folder. */
export function readReference(folder: string): Reference {
  using source = openFileSource(join(folder, "reference.safetensors"));
  const file = readSafetensors(source);
  const paths = [...file.tensors.keys()].filter((name) => name.endsWith(".down"));
  return new Map(
    paths.map((name) => {
      const path = name.slice(0, -".down".length);
      const rank = file.tensors.get(name)?.shape[0] ?? 0;
      const magnitude = file.tensors.has(`${path}.magnitude`)
        ? file.readFloat32(`${path}.magnitude`)
        : null;
      const up = file.readFloat32(`${path}.up`);
      return [path, { down: file.readFloat32(name), up, rank, magnitude }];
    }),
  );
}
