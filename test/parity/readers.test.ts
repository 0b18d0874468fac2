/** LoRAs that the tools' own code saved, read by Facet: every key understood, every product as theirs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { columns, families, type LoraModule } from "../../src-main/core/lora/lora.ts";
import { inspectFile, openLora } from "../../src-main/files/lora-file.ts";
import { ask, readReference, type Reference } from "./ask.ts";

const { FACET_PYTHON: python, FACET_KOHYA: kohya } = process.env;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet-readers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Holds the file against the factors that the tool itself multiplied. */
function expectSame(path: string, reference: Reference, dialect: string): void {
  const { dialect: found, matched, total, unmatched } = inspectFile(path);
  expect([found, unmatched, matched]).toEqual([dialect, [], total]);
  const { modules } = openLora(path);
  expect(modules.map((module) => module.path).toSorted()).toEqual([...reference.keys()].toSorted());
  for (const module of modules) {
    expect(difference(module, reference), module.path).toBeLessThan(1e-5);
    const magnitude = reference.get(module.path)?.magnitude ?? null;
    expect(module.magnitude, module.path).toEqual(
      magnitude === null ? undefined : { axis: "out", values: magnitude },
    );
  }
}

/** Relative difference of the products, seen through one vector of alternating signs. */
function difference(module: LoraModule, reference: Reference): number {
  const theirs = reference.get(module.path);
  if (!theirs) return Number.POSITIVE_INFINITY;
  const ours = through(module.up, module.down, module.rank, columns(module));
  const wanted = through(theirs.up, theirs.down, theirs.rank, columns(module));
  let error = 0;
  let size = 0;
  wanted.forEach((value, index) => {
    error += (value - (ours[index] ?? Number.NaN)) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(error / size);
}

function through(up: Float32Array, down: Float32Array, rank: number, width: number): number[] {
  const inner = Array.from({ length: rank }, (_, r) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (down[r * width + i] ?? Number.NaN) * Math.cos(i * i);
    return sum;
  });
  return Array.from({ length: up.length / rank }, (_, o) =>
    inner.reduce((sum, value, r) => sum + value * (up[o * rank + r] ?? Number.NaN), 0),
  );
}

describe.each(families)("%s", (family) => {
  it.skipIf(!python)("what diffusers and peft save", () => {
    const cases = ["scripts", "diffusers", "rslora", "peft", "dora"] as const;
    ask("diffusers_write.py", { family, folder, cases });
    const pipeline = "pytorch_lora_weights.safetensors";
    for (const [name, dialect] of [
      ["scripts", "diffusers-legacy"],
      ["diffusers", "peft"],
      ["rslora", "peft"],
    ] as const) {
      expectSame(join(folder, name, pipeline), readReference(join(folder, name)), dialect);
    }
    for (const name of ["peft", "dora"]) {
      const file = join(folder, name, "adapter_model.safetensors");
      expectSame(file, readReference(join(folder, name)), "peft-raw");
    }
  });

  it.skipIf(!python || !kohya)("what kohya's trainer saves, as safetensors and as a pickle", () => {
    ask("kohya_write.py", { family, folder });
    const dialect = family === "sdxl" ? "kohya-sgm" : "kohya-diffusers";
    for (const name of ["kohya.safetensors", "kohya.pt"]) {
      expectSame(join(folder, name), readReference(folder), dialect);
    }
  });
});
