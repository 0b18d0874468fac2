/** The randomized truncation, held against numpy's SVD. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { truncateMixes } from "../../../../src-main/core/spaces/truncate-mixes.ts";

const Rows = z.array(z.array(z.number()));
const reference = z
  .object({
    ups: Rows,
    downs: Rows,
    weights: z.array(z.number()),
    singular: z.array(z.number()),
    best: Rows,
  })
  .parse(
    JSON.parse(
      readFileSync(join(import.meta.dirname, "../../../fixtures/spaces/mix.json"), "utf8"),
    ),
  );

const stack = reference.ups.length;
const out = reference.ups[0]?.length ?? 0;
const columns = reference.downs[0]?.length ?? 0;
const factors = {
  ups: Float32Array.from(reference.ups.flat()),
  downs: Float32Array.from(reference.downs.flat()),
  stack,
  out,
  columns,
};

function product(up: Float32Array, down: Float32Array, rank: number): number[] {
  return Array.from({ length: out * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let p = 0; p < rank; p++)
      sum += (up[i * rank + p] as number) * (down[p * columns + j] as number);
    return sum;
  });
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, at) => value - (b[at] as number)));
}

describe("truncateMixes", () => {
  it("comes within 1 % of the best error at its rank", async () => {
    const weights = Float32Array.from(reference.weights);
    const [cut] = await truncateMixes(factors, weights, 1, 3, plainProducts, 1);
    if (cut === undefined) throw new Error("no result");
    const dense = reference.ups[0]?.map((_, i) =>
      reference.downs[0]?.map((__, j) =>
        reference.weights.reduce(
          (sum, weight, s) =>
            sum + weight * (reference.ups[s]?.[i] ?? 0) * (reference.downs[s]?.[j] ?? 0),
          0,
        ),
      ),
    );
    const error = distance(product(cut.up, cut.down, 3), dense?.flat().map(Number) ?? []);
    const best = Math.hypot(...reference.singular.slice(3));
    expect(error).toBeGreaterThan(best * 0.999);
    expect(error).toBeLessThan(best * 1.01);
  });

  it("treats each mix by its own weights", async () => {
    const mixes = 3;
    const weights = new Float32Array(stack * mixes);
    for (let s = 0; s < stack; s++) {
      weights[s * mixes] = s === 0 ? 2 : 0;
      weights[s * mixes + 1] = s === 1 ? 1 : 0;
      weights[s * mixes + 2] = s < 2 ? 1 : 0;
    }
    const cuts = await truncateMixes(factors, weights, mixes, 2, plainProducts, 1);
    const outer = (s: number, scale: number) =>
      Array.from(
        { length: out * columns },
        (_, at) =>
          scale *
          (reference.ups[s]?.[Math.floor(at / columns)] ?? 0) *
          (reference.downs[s]?.[at % columns] ?? 0),
      );
    const made = cuts.map(({ up, down }) => product(up, down, 2));
    const sum = outer(0, 1).map((value, at) => value + (outer(1, 1)[at] as number));
    expect(distance(made[0] ?? [], outer(0, 2))).toBeLessThan(1e-3);
    expect(distance(made[1] ?? [], outer(1, 1))).toBeLessThan(1e-3);
    expect(distance(made[2] ?? [], sum)).toBeLessThan(1e-3);
  });

  it("is exact where the stack is no taller than the sketch", async () => {
    const small = {
      ...factors,
      ups: factors.ups.slice(0, 2 * out),
      downs: factors.downs.slice(0, 2 * columns),
      stack: 2,
    };
    const [cut] = await truncateMixes(small, Float32Array.of(1, -3), 1, 2, plainProducts, 1);
    if (cut === undefined) throw new Error("no result");
    const expected = Array.from({ length: out * columns }, (_, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      return (
        (reference.ups[0]?.[i] ?? 0) * (reference.downs[0]?.[j] ?? 0) -
        3 * (reference.ups[1]?.[i] ?? 0) * (reference.downs[1]?.[j] ?? 0)
      );
    });
    expect(distance(product(cut.up, cut.down, 2), expected)).toBeLessThan(1e-4);
  });
});
