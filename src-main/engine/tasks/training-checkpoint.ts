/**
 * A training as a file: all of its state as safetensors, and a record of what it is and how far it came. A new one
 * takes the old one's name only when it is whole.
 */
import { existsSync, mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { CurvePoint, Trainable } from "../../../src-preload/contract/training.ts";
import { ProviderName } from "../../../src-preload/contract/system.ts";
import { FacetError } from "../../core/errors.ts";
import { readSafetensors } from "../../core/formats/safetensors/read.ts";
import { encodeSafetensors } from "../../core/formats/safetensors/write.ts";
import { writeAtomically, type Written } from "../../files/atomic-write.ts";
import { openFileSource } from "../../files/source.ts";
import type { TrainingState } from "./training-state.ts";

/** All on which the last bits of a step depend. */
export const Machine = z.object({
  provider: ProviderName,
  threads: z.int(),
  onnxruntime: z.string(),
  platform: z.string(),
  processor: z.string(),
});
export type Machine = z.infer<typeof Machine>;

const field = "facet.training";

const Record = z.object({
  version: z.literal(1),
  trainable: Trainable,
  /** SHA-256 of the step's printed graph. */
  graph: z.string(),
  step: z.int(),
  /** Each step draws its data from a stream of its own: the seed and the next step are all of the random state. */
  random: z.object({ seed: z.int(), next: z.int() }),
  machine: Machine,
  curve: z.object({
    every: z.int(),
    points: z.array(CurvePoint),
    open: z.object({ steps: z.int(), loss: z.number(), gradientNorm: z.number().nullable() }),
  }),
});
export type TrainingRecord = z.infer<typeof Record>;

export function thisMachine(provider: ProviderName, threads: number, onnxruntime: string): Machine {
  return {
    provider,
    threads,
    onnxruntime,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? "",
  };
}

/** What differs between the machine that wrote a checkpoint and the one that goes on from it. */
export function differences(before: Machine, now: Machine): string[] {
  return Object.entries(before)
    .filter(([name, value]) => now[name as keyof Machine] !== value)
    .map(
      ([name, value]) =>
        `${name} was ${String(value)} and is ${String(now[name as keyof Machine])}`,
    );
}

export function writeCheckpoint(
  path: string,
  record: TrainingRecord,
  state: TrainingState,
): Written {
  mkdirSync(dirname(path), { recursive: true });
  const tensors = state.values().map(({ entry, values }) => ({
    name: entry.name,
    dtype: "F32" as const,
    shape: entry.shape,
    values: () => values,
  }));
  const { chunks } = encodeSafetensors(tensors, { [field]: JSON.stringify(record) });
  return writeAtomically(path, chunks, { overwrite: true });
}

/** The record of a checkpoint; null where there is no file. */
export function readRecord(path: string): TrainingRecord | null {
  if (!existsSync(path)) return null;
  using source = openFileSource(path);
  const text = readSafetensors(source).metadata.get(field);
  const record = Record.safeParse(parseJson(text ?? ""));
  if (record.success) return record.data;
  throw new FacetError(
    "malformed",
    `${path} is no checkpoint of a training: ${z.prettifyError(record.error)}`,
    { path, field, cause: record.error },
  );
}

/** Fills the state with a checkpoint's values, to the bit. */
export function readCheckpoint(path: string, state: TrainingState): void {
  using source = openFileSource(path);
  const file = readSafetensors(source);
  for (const { entry, values } of state.values()) {
    const stored = file.tensors.get(entry.name);
    if (stored?.dtype !== "F32" || stored.shape.join() !== entry.shape.join()) {
      throw new FacetError(
        "shape-mismatch",
        `${path} has ${stored === undefined ? "no" : `${stored.dtype} [${stored.shape.join(", ")}] as`} ${entry.name}; the training needs F32 [${entry.shape.join(", ")}].`,
        { path, field: entry.name },
      );
    }
    values.set(file.readFloat32(entry.name));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
