import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resizeLora } from "../../../../src-main/core/lora/resize.ts";
import { singularValues, truncateProduct } from "../../../../src-main/core/lora/truncate.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import {
  distance,
  frobenius,
  matrixOf,
  minus,
  normals,
  plainSingularValues,
  productDistance,
  productOf,
  randomLora,
  times,
} from "../../../support/dense.ts";

const numbers = z.array(z.number());
const { truncation } = z
  .object({
    truncation: z.object({
      out: z.int(),
      columns: z.int(),
      rank: z.int(),
      target: z.int(),
      up: numbers,
      down: numbers,
      values: numbers,
      best: numbers,
      kept: z.number(),
    }),
  })
  .parse(
    JSON.parse(
      readFileSync(new URL("../../../fixtures/linalg/references.json", import.meta.url), "utf8"),
    ),
  );

interface Case {
  readonly up: Float32Array;
  readonly down: Float32Array;
  readonly out: number;
  readonly columns: number;
  readonly rank: number;
}

function dense({ up, down, out, columns, rank }: Case): number[][] {
  return times(matrixOf(up, out, rank), matrixOf(down, rank, columns));
}

function cut(given: Case, target: number) {
  const { up, down, out, columns, rank } = given;
  const result = truncateProduct(up, down, out, columns, rank, target);
  const [left, right] = [matrixOf(result.up, out, target), matrixOf(result.down, target, columns)];
  return { ...result, product: times(left, right), left, right };
}

const size = fc.integer({ min: 1, max: 20 });
const anyCase = fc
  .record({ out: size, columns: size, rank: size, seed: fc.nat() })
  .map(({ out, columns, rank, seed }): Case => {
    const random = seededRandom(seed);
    const up = normals(random, out * rank).map((x, at) => x * 0.7 ** (at % rank));
    return { up, down: normals(random, rank * columns), out, columns, rank };
  });

describe("truncateProduct", () => {
  it("is numpy's truncated SVD of the dense product", () => {
    const { out, columns, rank, target, values, best, kept } = truncation;
    const [up, down] = [Float32Array.from(truncation.up), Float32Array.from(truncation.down)];
    const result = cut({ up, down, out, columns, rank }, target);
    expect(distance(result.product, matrixOf(best, out, columns))).toBeLessThan(1e-6);
    expect(result.kept).toBeCloseTo(kept, 10);
    const found = singularValues(up, down, out, columns, rank);
    values.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 10));
  });

  it("loses no more than the discarded singular values, which nothing of that rank can beat", () => {
    fc.assert(
      fc.property(anyCase, size, (given, target) => {
        const whole = dense(given);
        const spectrum = plainSingularValues(whole);
        const lost = spectrum.slice(target).reduce((sum, s) => sum + s * s, 0);
        const energy = frobenius(whole) ** 2;
        const result = cut(given, target);
        expect(frobenius(minus(result.product, whole)) / Math.sqrt(energy)).toBeCloseTo(
          Math.sqrt(lost / energy),
          5,
        );
        expect(result.kept).toBeCloseTo(1 - lost / energy, 8);
        expect(result.energy / energy).toBeCloseTo(1, 8);
      }),
      { numRuns: 80 },
    );
  });

  it("balances: both sides of each component have the root of its singular value as length", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const target = given.rank;
        const { left, right } = cut(given, target);
        const spectrum = plainSingularValues(dense(given));
        for (let k = 0; k < target; k++) {
          const wanted = spectrum[k] ?? 0;
          const ups = left.reduce((sum, row) => sum + (row[k] ?? 0) ** 2, 0);
          const downs = (right[k] ?? []).reduce((sum, x) => sum + x * x, 0);
          expect(Math.abs(ups - wanted)).toBeLessThan(1e-5 * (spectrum[0] ?? 0));
          expect(Math.abs(downs - wanted)).toBeLessThan(1e-5 * (spectrum[0] ?? 0));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("fills a target above the rank with zeros", () => {
    const random = seededRandom(9);
    const given = {
      up: normals(random, 24),
      down: normals(random, 30),
      out: 8,
      columns: 10,
      rank: 3,
    };
    const result = cut(given, 7);
    expect(result.kept).toBeCloseTo(1, 12);
    expect(distance(result.product, dense(given))).toBeLessThan(1e-6);
    expect(result.left.flatMap((row) => row.slice(3)).every((x) => x === 0)).toBe(true);
    expect(
      result.right
        .slice(3)
        .flat()
        .every((x) => x === 0),
    ).toBe(true);
  });

  it("takes factors that are zero, rank-deficient, or repeat each other", () => {
    const random = seededRandom(11);
    const [out, columns, rank] = [40, 50, 8] as const;
    const down = normals(random, rank * columns);
    const zero = cut({ up: new Float32Array(out * rank), down, out, columns, rank }, 4);
    expect([zero.kept, zero.energy]).toEqual([1, 0]);
    expect(zero.product.flat().every((x) => x === 0)).toBe(true);
    // Two LoRAs that share their down: the blend of ranks 4 and 4 has rank 4.
    const shared = Float32Array.from(down, (_, at) => down[at % (4 * columns)] ?? 0);
    const blend = { up: normals(random, out * rank), down: shared, out, columns, rank };
    expect(distance(cut(blend, 4).product, dense(blend))).toBeLessThan(1e-6);
    expect(cut(blend, 4).kept).toBeCloseTo(1, 12);
    // A column that differs from a sum of others only in its rounding.
    const up = normals(random, out * rank);
    for (let i = 0; i < out; i++)
      up[i * rank + 7] = 0.3 * (up[i * rank] ?? 0) + (up[i * rank + 1] ?? 0);
    const near = { up, down, out, columns, rank };
    expect(distance(cut(near, 8).product, dense(near))).toBeLessThan(1e-6);
  });

  it("keeps the product of factors whose basis is very badly conditioned", () => {
    const random = seededRandom(12);
    const [out, columns, rank] = [30, 40, 4] as const;
    const [up, down] = [normals(random, out * rank), normals(random, rank * columns)];
    // Columns 1..3 of up are column 0 plus a thousandth, a ten-thousandth, .. of their own.
    for (let i = 0; i < out; i++) {
      for (let j = 1; j < rank; j++) {
        up[i * rank + j] = (up[i * rank] ?? 0) + (up[i * rank + j] ?? 0) * 10 ** (-2 - j);
      }
    }
    const given = { up, down, out, columns, rank };
    const result = cut(given, rank);
    expect(distance(result.product, dense(given))).toBeLessThan(1e-6);
    const spectrum = singularValues(up, down, out, columns, rank);
    plainSingularValues(dense(given))
      .slice(0, 2)
      .forEach((value, i) => {
        expect((spectrum[i] ?? 0) / value).toBeCloseTo(1, 6);
      });
  });
});

describe("resizeLora", () => {
  it("cuts what is above the rank and leaves the rest byte for byte", () => {
    const lora = randomLora(4, 6);
    const mixed = {
      ...lora,
      modules: lora.modules.map((m, i) => (i === 1 ? (randomLora(5, 2).modules[1] ?? m) : m)),
    };
    const { lora: small, kept } = resizeLora(mixed, 3);
    expect(small.modules.map((module) => module.rank)).toEqual([3, 2, 3, 3, 3]);
    expect(small.modules[1]).toBe(mixed.modules[1]);
    let [whole, left] = [0, 0];
    for (const module of mixed.modules) {
      const spectrum = plainSingularValues(productOf(module)).map((s) => s * s);
      whole += spectrum.reduce((sum, s) => sum + s, 0);
      left += spectrum.slice(0, module.rank > 3 ? 3 : undefined).reduce((sum, s) => sum + s, 0);
    }
    expect(kept).toBeCloseTo(left / whole, 8);
  });

  it("changes nothing at or above the own rank", () => {
    const lora = randomLora(6, 3);
    expect(resizeLora(lora, 9).kept).toBe(1);
    expect(productDistance(resizeLora(lora, 9).lora, lora)).toBe(0);
  });

  it("names the module that holds numbers which are not finite, one or all", () => {
    const lora = randomLora(7, 3);
    const path = lora.modules[2]?.path ?? "";
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const hit of [(at: number) => at === 5, () => true]) {
        for (const side of ["up", "down"] as const) {
          const modules = lora.modules.map((module, index) =>
            index === 2
              ? { ...module, [side]: module[side].map((x, at) => (hit(at) ? bad : x)) }
              : module,
          );
          expect(() => resizeLora({ ...lora, modules }, 2)).toThrow(path);
          expect(() => resizeLora({ ...lora, modules }, 5)).toThrow(path);
        }
      }
    }
  });
});
