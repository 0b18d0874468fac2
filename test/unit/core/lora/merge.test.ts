import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modulesOf } from "../../../../src-main/core/lora/architecture/index.ts";
import { blendEmbeddings } from "../../../../src-main/core/lora/blend-embeddings.ts";
import type { Embedding, Lora } from "../../../../src-main/core/lora/lora.ts";
import { concatenate, mergeDelta } from "../../../../src-main/core/lora/merge.ts";
import {
  changeBasis,
  distance,
  frobenius,
  minus,
  plainSingularValues,
  plus,
  productDistance,
  productOf,
  randomLora,
} from "../../../support/dense.ts";
import { randomLora as randomLoraOf } from "../../../support/random-lora.ts";

/** The weighted sum of the dense deltas of one module. */
function mixOf(loras: readonly Lora[], weights: readonly number[], path: string): number[][] {
  let sum: number[][] | undefined;
  loras.forEach((lora, index) => {
    const module = lora.modules.find((candidate) => candidate.path === path);
    if (module === undefined) return;
    const product = productOf(module);
    sum = plus(sum ?? product.map((row) => row.map(() => 0)), product, weights[index] ?? 0);
  });
  return sum ?? [];
}

describe("concatenate", () => {
  it("is the weighted sum of the products, with no cross terms, whatever the ranks", () => {
    const weight = fc.double({ min: -2, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 4 }), fc.nat(), (weights, seed) => {
        const loras = weights.map((_, index) => randomLora(seed + index, 1 + (index % 3)));
        const mix = concatenate(loras, weights);
        for (const module of mix.modules) {
          const wanted = mixOf(loras, weights, module.path);
          expect(frobenius(minus(productOf(module), wanted))).toBeLessThan(
            1e-5 * (1e-6 + frobenius(wanted)),
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  it("takes modules that only some have, in architecture order", () => {
    const order = modulesOf("sd15").map(({ path }) => path);
    const having = (seed: number, rank: number, places: readonly number[]): Lora =>
      randomLoraOf("sd15", seed, {
        rank,
        where: ({ path }) => places.includes(order.indexOf(path)),
      });
    const b = having(2, 3, [7, 9, 14]);
    const parts = [having(1, 2, [0, 14]), { ...b, modules: b.modules.toReversed() }];
    const mix = concatenate(parts, [1, 0.5]);
    const positions = mix.modules.map(({ path }) => order.indexOf(path));
    expect(positions).toEqual(positions.toSorted((x, y) => x - y));
    expect(mix.modules.map((module) => module.rank)).toEqual([2, 3, 3, 5]);
    for (const module of mix.modules) {
      expect(distance(productOf(module), mixOf(parts, [1, 0.5], module.path))).toBeLessThan(1e-6);
    }
  });
});

describe("mergeDelta", () => {
  it("is the best cut of the exact mix and says what it keeps", () => {
    const loras = [randomLora(1, 4), randomLora(2, 4), randomLora(3, 4)];
    const weights = [0.5, 0.3, -0.2];
    const { lora, kept } = mergeDelta(loras, weights, 3);
    let [whole, left] = [0, 0];
    for (const module of lora.modules) {
      expect(module.rank).toBe(3);
      const wanted = mixOf(loras, weights, module.path);
      const squares = plainSingularValues(wanted).map((s) => s * s);
      const lost = squares.slice(3).reduce((sum, s) => sum + s, 0);
      whole += squares.reduce((sum, s) => sum + s, 0);
      left += squares.slice(0, 3).reduce((sum, s) => sum + s, 0);
      const error = frobenius(minus(productOf(module), wanted));
      expect(error / frobenius(wanted)).toBeCloseTo(Math.sqrt(lost) / frobenius(wanted), 5);
    }
    expect(kept).toBeCloseTo(left / whole, 8);
  });

  it("gives the same products in whatever basis the parents came", () => {
    const parents = [randomLora(1, 3), randomLora(2, 3)];
    const others = parents.map((lora, index) => changeBasis(lora, index));
    const [a, b] = [mergeDelta(parents, [0.6, 0.4], 4), mergeDelta(others, [0.6, 0.4], 4)];
    expect(productDistance(b.lora, a.lora)).toBeLessThan(1e-4);
    expect(b.kept).toBeCloseTo(a.kept, 5);
  });

  it("is exact, and no longer than the parents, where the rank suffices", () => {
    const parents = [randomLora(1, 2), randomLora(2, 2)];
    const { lora, kept } = mergeDelta(parents, [1, 1], 9);
    expect(lora.modules.map((module) => module.rank)).toEqual([4, 4, 4, 4, 4]);
    expect(productDistance(lora, concatenate(parents, [1, 1]))).toBeLessThan(1e-6);
    expect(kept).toBeCloseTo(1, 10);
  });

  it("takes more parents than a module has room for", () => {
    const parents = Array.from({ length: 9 }, (_, index) => randomLora(index, 3));
    const weights = parents.map((_, index) => 1 / (index + 1));
    const { lora, kept } = mergeDelta(parents, weights, 17);
    const [, , , , last] = lora.modules;
    if (last === undefined) throw new Error("there are five modules");
    expect(distance(productOf(last), mixOf(parents, weights, last.path))).toBeLessThan(1e-6);
    expect(kept).toBeLessThan(1);
  });

  it("refuses other families, other shapes and wrong weights", () => {
    const [a, b] = [randomLora(1, 2), randomLora(2, 2)];
    expect(() => mergeDelta([a, { ...b, family: "sdxl" }], [1, 1], 2)).toThrow(/sd15 and sdxl/);
    expect(() => mergeDelta([a, b], [1], 2)).toThrow(/2 LoRAs/);
    expect(() => mergeDelta([a, b], [1, Number.NaN], 2)).toThrow(/finite/);
    expect(() => mergeDelta([], [], 2)).toThrow(/at least one/);
    const wrong = b.modules.map((module, i) => (i === 0 ? { ...module, out: 23 } : module));
    expect(() => mergeDelta([a, { ...b, modules: wrong }], [1, 1], 2)).toThrow(a.modules[0]?.path);
  });
});

function carrying(token: string, values: readonly number[], vectors = 1): Lora {
  const shape = [vectors, values.length / vectors] as const;
  const embedding: Embedding = {
    token,
    shape,
    values: Float32Array.from(values),
    component: "text_encoder",
  };
  return { family: "sd15", modules: [], embeddings: [embedding] };
}

describe("embeddings in a blend", () => {
  const plain: Lora = { family: "sd15", modules: [], embeddings: [] };
  const valuesOf = (embeddings: readonly Embedding[]) =>
    embeddings.map(({ token, values }) => [token, ...values]);

  it("are kept where one parent has them, where all agree, and under different tokens", () => {
    const one = blendEmbeddings([plain, carrying("<s1>", [1, 2])], [0.9, 0.1]);
    expect(valuesOf(one.embeddings)).toEqual([["<s1>", 1, 2]]);
    expect(one.sentence).toBe("The embedding <s1> is kept as trained.");
    const same = blendEmbeddings([carrying("<s1>", [1, 2]), carrying("<s1>", [1, 2])], [2, -1]);
    expect(valuesOf(same.embeddings)).toEqual([["<s1>", 1, 2]]);
    const both = blendEmbeddings([carrying("<a>", [1]), carrying("<b>", [2])], [0.5, 0.5]);
    expect(valuesOf(both.embeddings)).toEqual([
      ["<a>", 1],
      ["<b>", 2],
    ]);
    expect(both.sentence).toBe("The embeddings <a>, <b> are kept as trained.");
    expect(blendEmbeddings([plain, plain], [1, 1])).toEqual({ embeddings: [], sentence: "" });
  });

  it("of the same token are averaged by weight", () => {
    const mix = blendEmbeddings([carrying("<s1>", [1, 0]), carrying("<s1>", [0, 1])], [3, 1]);
    expect(valuesOf(mix.embeddings)).toEqual([["<s1>", 0.75, 0.25]]);
    expect(mix.sentence).toMatch(/^The embedding <s1> is mixed by weight/);
    const merged = mergeDelta([carrying("<s1>", [1, 0]), carrying("<s1>", [0, 1])], [3, 1], 4);
    expect(merged.lora.embeddings).toEqual(mix.embeddings);
  });

  it("come from the heaviest parent where they cannot be averaged", () => {
    const shapes = blendEmbeddings(
      [carrying("<s1>", [1, 2]), carrying("<s1>", [3, 4, 5, 6], 2)],
      [0.4, -0.6],
    );
    expect(valuesOf(shapes.embeddings)).toEqual([["<s1>", 3, 4, 5, 6]]);
    expect(shapes.embeddings[0]?.shape).toEqual([2, 2]);
    const cancelled = blendEmbeddings([carrying("<s1>", [1]), carrying("<s1>", [2])], [1, -1]);
    expect(valuesOf(cancelled.embeddings)).toEqual([["<s1>", 1]]);
    expect(cancelled.sentence).toMatch(/largest weight/);
  });

  it("of the two encoders of SDXL stay apart", () => {
    const [first] = carrying("<s1>", [1]).embeddings;
    if (first === undefined) throw new Error("one embedding");
    const second: Embedding = { ...first, component: "text_encoder_2", values: Float32Array.of(9) };
    const lora: Lora = { family: "sdxl", modules: [], embeddings: [first, second] };
    expect(blendEmbeddings([lora], [1]).embeddings).toEqual([first, second]);
  });
});
