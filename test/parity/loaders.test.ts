/**
 * What Facet writes, read by the loaders of the tools themselves: peft and diffusers from the Python that FACET_PYTHON
 * names, ComfyUI (or a copy of its engine) and kohya's scripts from checkouts at FACET_COMFY and FACET_KOHYA.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { families, type Family, type Lora } from "../../src-main/core/lora/lora.ts";
import type { WrittenDialect } from "../../src-main/core/lora/write.ts";
import { writeLoraFile } from "../../src-main/export/writer.ts";
import { trainable } from "../support/trainable.ts";
import { randomLora } from "../support/random-lora.ts";
import { ask, type Compared, writeReference } from "./ask.ts";

const { FACET_PYTHON: python, FACET_COMFY: comfy, FACET_KOHYA: kohya } = process.env;
const dialects = ["kohya", "kohya-diffusers", "peft"] as const;

/** One rank for all modules, and ranks that differ from module to module. */
const ranks = { even: () => 2, mixed: (index: number) => 1 + (index % 3) };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet-loaders-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Files by `<dialect> <ranks>`, as the scripts are asked for them: the file and its reference. */
function write(
  family: Family,
  written: readonly WrittenDialect[],
): Record<string, [string, string]> {
  const files: Record<string, [string, string]> = {};
  for (const [kind, rankOf] of Object.entries(ranks)) {
    const lora = loraOf(family, rankOf);
    const reference = join(folder, `${family} ${kind} reference.safetensors`);
    writeReference(reference, lora);
    for (const dialect of written) {
      const to = join(folder, `${family} ${dialect} ${kind}.safetensors`);
      const metadata = { ss_output_name: "Ada", "facet.recipe": "{}" };
      writeLoraFile({ lora, to, dialect, dtype: "f16", metadata, overwrite: true });
      files[`${dialect} ${kind}`] = [to, reference];
    }
  }
  return files;
}

function loraOf(family: Family, rankOf: (index: number) => number): Lora {
  const modules = modulesOf(family).filter(trainable);
  const parts = Object.values(Object.groupBy(modules, (_, index) => String(rankOf(index)))).map(
    (part) => {
      const paths = new Set(part?.map(({ path }) => path));
      const rank = rankOf(modules.findIndex(({ path }) => paths.has(path)));
      return randomLora(family, rank, { rank, where: ({ path }) => paths.has(path) }).modules;
    },
  );
  const byPath = new Map(parts.flat().map((module) => [module.path, module]));
  return {
    family,
    embeddings: [],
    modules: modules.flatMap(({ path }) => byPath.get(path) ?? []),
  };
}

function expectComplete(results: Record<string, Compared>, family: Family): void {
  const modules = modulesOf(family).filter(trainable).length;
  for (const [name, result] of Object.entries(results)) {
    expect(result, name).toMatchObject({
      modules,
      missing: [],
      extra: [],
      wrong: {},
      complaints: [],
    });
    // Half precision of the file is all that may be lost.
    expect(result.error, name).toBeLessThan(2e-3);
  }
}

describe.each(families)("%s", (family) => {
  it.skipIf(!python)("diffusers injects every module through peft, with equal products", () => {
    const results = ask("diffusers_load.py", { family, files: write(family, dialects) });
    expect(Object.keys(results)).toHaveLength(6);
    expectComplete(results, family);
  });

  it.skipIf(!python || !comfy)("ComfyUI patches every weight by equal products", () => {
    const files = write(family, ["kohya", "kohya-diffusers"]);
    const results = ask("comfy_load.py", { family, files });
    expect(Object.keys(results)).toHaveLength(4);
    expectComplete(results, family);
  });

  it.skipIf(!python || !comfy)("ComfyUI misses a PEFT file's attention, as the export says", () => {
    const results = ask("comfy_load.py", { family, files: write(family, ["peft"]) });
    for (const { missing, extra, wrong } of Object.values(results)) {
      expect(missing).toEqual(
        modulesOf(family)
          .map(({ path }) => path)
          .filter((path) => /\.to_(q|k|v|out\.0)$/.test(path))
          .toSorted(),
      );
      expect([extra, wrong]).toEqual([[], {}]);
    }
  });

  it.skipIf(!python || !kohya)("kohya's network takes every key, with equal products", () => {
    const results = ask("kohya_load.py", { family, files: write(family, ["kohya"]) });
    expect(Object.keys(results)).toHaveLength(2);
    expectComplete(results, family);
    for (const result of Object.values(results))
      expect(result).toMatchObject({ unexpected: [], unfilled: [] });
  });
});
