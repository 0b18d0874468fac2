import { describe, expect, it } from "vitest";
import { deltaInner, deltaNorm } from "../../../../src-main/core/lora/forms/delta.ts";
import { standardise } from "../../../../src-main/core/lora/forms/standard.ts";
import type { Lora } from "../../../../src-main/core/lora/lora.ts";
import { concatenate } from "../../../../src-main/core/lora/merge.ts";
import { sketch, sketchCosine, sketchSize } from "../../../../src-main/core/lora/sketch.ts";
import { changeBasis, randomLora } from "../../../support/dense.ts";

/** Pairs with shared parts, so that true cosines lie all over 0..1. */
function family(count: number): Lora[] {
  return Array.from({ length: count }, (_, index) =>
    concatenate(
      [randomLora(1000 + Math.floor(index / 5), 2), randomLora(index, 2)],
      [(index % 5) / 4, 0.6],
    ),
  );
}

describe("sketches", () => {
  it("depend on the products alone", () => {
    const lora = randomLora(1, 4);
    const own = sketch(lora);
    expect(own.length).toBe(sketchSize);
    for (const other of [
      changeBasis(lora, 2),
      standardise(lora, 4).lora,
      standardise(lora, 9).lora,
    ]) {
      expect(sketchCosine(sketch(other), own)).toBeGreaterThan(1 - 1e-9);
    }
    const shuffled = { ...lora, modules: lora.modules.toReversed() };
    expect(sketchCosine(sketch(shuffled), own)).toBeCloseTo(1, 12);
  });

  it("are linear in the deltas", () => {
    const [a, b] = [randomLora(1, 2), randomLora(2, 3)];
    const [one, two] = [sketch(a), sketch(b)];
    const mixed = sketch(concatenate([a, b], [2, -0.5]));
    const scale = Math.max(...mixed.map(Math.abs));
    mixed.forEach((value, i) => {
      const wanted = 2 * (one[i] ?? 0) - 0.5 * (two[i] ?? 0);
      expect(Math.abs(value - wanted) / scale).toBeLessThan(1e-5);
    });
  });

  it("estimate cosines without bias and to about 1/16", () => {
    const loras = family(60);
    const sketches = loras.map(sketch);
    const norms = loras.map(deltaNorm);
    const errors: number[] = [];
    const found: [number, number][] = [];
    loras.forEach((a, i) => {
      for (let j = 0; j < i; j++) {
        const [b, s, t] = [loras[j], sketches[i], sketches[j]];
        if (b === undefined || s === undefined || t === undefined) throw new Error("sizes differ");
        const truth = deltaInner(a, b) / ((norms[i] ?? 0) * (norms[j] ?? 0));
        let estimate = 0;
        s.forEach((x, k) => (estimate += x * (t[k] ?? 0)));
        errors.push(estimate / ((norms[i] ?? 0) * (norms[j] ?? 0)) - truth);
        found.push([truth, sketchCosine(s, t)]);
      }
    });
    const mean = errors.reduce((sum, x) => sum + x, 0) / errors.length;
    const deviation = Math.sqrt(errors.reduce((sum, x) => sum + x * x, 0) / errors.length);
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(deviation).toBeLessThan(0.075);
    const close = found.filter(([truth]) => truth > 0.6);
    expect(close.length).toBeGreaterThan(10);
    for (const [truth, cosine] of close) expect(Math.abs(cosine - truth)).toBeLessThan(0.2);
  });

  it("tell modules apart by their paths", () => {
    const lora = randomLora(3, 2);
    const renamed = lora.modules.map((module) => ({ ...module, path: `${module.path}.other` }));
    const cosine = sketchCosine(sketch({ ...lora, modules: renamed }), sketch(lora));
    expect(Math.abs(cosine)).toBeLessThan(0.25);
  });

  /** Stored sketches must stay comparable: a change of these numbers needs a new sketch of every LoRA in a library. */
  it("are the count sketch of a single entry: one bucket, one sign, fixed for ever", () => {
    const single = (row: number, column: number): [number, number][] => {
      const up = new Float32Array(6);
      const down = new Float32Array(7);
      up[row] = 3;
      down[column] = 0.5;
      const path = "unet.conv_in";
      const module = {
        path,
        out: 6,
        in: 7,
        kernel: [1, 1],
        conv: false,
        rank: 1,
        up,
        down,
      } as const;
      const values = sketch({ family: "sd15", modules: [module], embeddings: [] });
      return [...values.entries()].filter(([, value]) => Math.abs(value) > 1e-6);
    };
    const entries = [single(0, 0), single(5, 0), single(0, 6), single(5, 6)];
    for (const places of entries) {
      expect(places.length).toBe(1);
      expect(Math.abs(places[0]?.[1] ?? 0)).toBeCloseTo(1.5, 6);
    }
    const found = entries.map(([place]) => [place?.[0] ?? -1, Math.sign(place?.[1] ?? 0)] as const);
    expect(found).toEqual([
      [1, 1],
      [113, -1],
      [37, 1],
      [149, -1],
    ]);
    // Buckets add up and signs multiply: h(row) + h(column), s(row) s(column).
    const [a, b, c, d] = found;
    expect(
      ((a?.[0] ?? 0) + (d?.[0] ?? 0) - (b?.[0] ?? 0) - (c?.[0] ?? 0)) % sketchSize,
    ).toBeCloseTo(0);
    expect((a?.[1] ?? 0) * (d?.[1] ?? 0)).toBe((b?.[1] ?? 0) * (c?.[1] ?? 0));
  });

  it("of nothing is zero", () => {
    expect([...sketch({ family: "sd15", modules: [], embeddings: [] })].every((x) => x === 0)).toBe(
      true,
    );
    expect(sketchCosine(new Float32Array(sketchSize), sketch(randomLora(1, 1)))).toBe(0);
  });
});
