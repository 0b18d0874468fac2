/** Prompts taken apart as transformers' CLIPTokenizer and ComfyUI's SDTokenizer do. */
import { describe, expect, it } from "vitest";
import { clipConfigs } from "../../../../../src-main/core/diffusion/clip-config.ts";
import type { Weighted } from "../../../../../src-main/core/diffusion/text/chunks.ts";
import { comfyChunks } from "../../../../../src-main/core/diffusion/text/comfy.ts";
import { diffusersRow } from "../../../../../src-main/core/diffusion/text/diffusers.ts";
import { clipTokenizer } from "../../../../../src-main/core/diffusion/text/tokenizer.ts";
import { shippedTokenizer } from "../../../../../src-main/engine/pictures/clip-merges.ts";
import { digest, tokenReferences } from "../../../../support/diffusion/text.ts";

const tokenizer = shippedTokenizer();
const stored = tokenReferences();
const [first, second] = clipConfigs.sdxl;
if (first === undefined || second === undefined) throw new Error("SDXL has two encoders");
const none = new Map<string, Float32Array[]>();

describe("CLIP's tokenizer", () => {
  it("takes a thousand prompts apart as transformers does", () => {
    const differing = stored.texts.filter(
      (text, index) => tokenizer.encode(text).join() !== stored.first[index]?.join(),
    );
    expect(stored.texts.length).toBe(1000);
    expect(differing).toEqual([]);
  });

  it("knows every character that Unicode 14 knows", () => {
    const texts = stored.sweep.ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, i) => `a${String.fromCodePoint(from + i)}b`),
    );
    const found = stored.sweep.hashes.map((_, block) => {
      const some = texts.slice(1000 * block, 1000 * (block + 1));
      return digest(some.map((text) => tokenizer.encode(text).join(" ")).join("\n"));
    });
    expect(texts.length).toBe(34_660);
    expect(found).toEqual(stored.sweep.hashes);
  });

  it("finds added words as transformers does", () => {
    const added = stored.added.map((content, index) => ({
      content,
      token: 49_408 + index,
      normalized: true,
    }));
    const found = stored.trained.map(({ text }) => ({
      text,
      first: tokenizer.encode(text, added),
    }));
    expect(found).toEqual(stored.trained);
  });

  it("takes what is no letter of Unicode", () => {
    expect(tokenizer.encode("\ud800")).toEqual(tokenizer.encode("\ufffd"));
  });

  it("takes a word of any length", () => {
    expect(tokenizer.encode("a".repeat(100_000)).length).toBeGreaterThan(1000);
  });

  it("refuses a damaged table by name", () => {
    expect(() => clipTokenizer("i n\nt h\n")).toThrow("2 lines where 48894 known pairs belong");
    const lines = Array.from({ length: 48_894 }, () => "zz z");
    expect(() => clipTokenizer(lines.join("\n"))).toThrow('"zz z" in line 1');
  });
});

describe("ComfyUI's chunks", () => {
  const flat = (chunk: readonly Weighted[]) => {
    const tokens = chunk.map(({ position }) => position);
    const last = chunk.findLastIndex(
      ({ position, weight }) => position !== first.padding || weight !== 1,
    );
    const runs: [number, number][] = [];
    for (const { weight } of chunk) {
      const run = runs.at(-1);
      if (run?.[0] === weight) run[1]++;
      else runs.push([weight, 1]);
    }
    return { tokens: tokens.slice(0, last + 1), runs };
  };

  it.each(stored.texts.map((text, index) => [index, text] as const).filter(([i]) => i % 100 === 0))(
    "fill up differently in both encoders (prompt %i)",
    (_, text) => {
      const [left, right] = [first, second].map((config) =>
        comfyChunks(text, tokenizer, config, none).chunks.map((chunk) =>
          chunk.map(({ position }) => position),
        ),
      );
      const end = left?.at(-1)?.indexOf(49_407, 1) ?? 0;
      expect(right?.at(-1)?.slice(0, end + 1)).toEqual(left?.at(-1)?.slice(0, end + 1));
      expect(new Set(right?.at(-1)?.slice(end + 1))).toEqual(new Set(end < 76 ? [0] : []));
    },
  );

  it("hold a thousand prompts as ComfyUI's do", () => {
    const differing = stored.texts.filter((text, index) => {
      const { chunks } = comfyChunks(text, tokenizer, first, none);
      const found = chunks.map(flat);
      const whole = found.map(({ tokens }) => tokens.join(",")).join(";");
      const runs = JSON.stringify(found.map((chunk) => chunk.runs));
      const expected = stored.comfy[index];
      if (expected === undefined) {
        const plain = [49_406, ...(stored.first[index] ?? [])].join(",");
        return whole !== plain || runs !== "[[[1,77]]]";
      }
      if (runs !== JSON.stringify(expected.runs)) return true;
      return "hash" in expected
        ? digest(whole) !== expected.hash
        : whole !== expected.tokens.map((tokens) => tokens.join(",")).join(";");
    });
    expect(Object.keys(stored.comfy).length).toBeGreaterThan(250);
    expect(differing).toEqual([]);
  });
});

describe("diffusers' row", () => {
  it("has what SDXL's two tokenizers give, cut behind 75 tokens", () => {
    const differing = stored.texts.filter((text, index) =>
      [first, second].some((config, encoder) => {
        const tokens =
          (encoder === 1 ? stored.second[index] : undefined) ?? stored.first[index] ?? [];
        const { row, cut } = diffusersRow(text, tokenizer, config, none);
        const expected = [49_406, ...tokens.slice(0, 75), 49_407];
        const filled = [
          ...expected,
          ...Array.from({ length: 77 - expected.length }, () => config.padding),
        ];
        const found = row.map(({ position }) => position);
        return found.join() !== filled.join() || cut !== Math.max(0, tokens.length - 75);
      }),
    );
    expect(differing).toEqual([]);
  });
});
