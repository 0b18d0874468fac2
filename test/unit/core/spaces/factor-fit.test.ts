/** PCA over vectors, held against scikit-learn's full SVD. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fitFactors, type FitOptions } from "../../../../src-main/core/spaces/factor-fit.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { memoryStage } from "../../../../src-main/core/spaces/stage.ts";

const Rows = z.array(z.array(z.number()));
const reference = z
  .object({
    magic: z.literal("facet-reference"),
    version: z.literal(1),
    vectors: Rows,
    mean: z.array(z.number()),
    explained: z.array(z.number()),
    sigma: z.array(z.number()),
    components: Rows,
    standardisedExplained: z.array(z.number()),
  })
  .parse(
    JSON.parse(
      readFileSync(join(import.meta.dirname, "../../../fixtures/spaces/pca.json"), "utf8"),
    ),
  );

const options: FitOptions = {
  components: 5,
  seed: 0,
  products: plainProducts,
  makeStage: memoryStage,
  progress: () => Promise.resolve(),
};

function staged() {
  const stage = memoryStage(reference.vectors.length, reference.mean.length);
  reference.vectors.forEach((vector, row) => stage.write(row, Float32Array.from(vector)));
  return stage;
}

function expectClose(found: readonly number[], expected: readonly number[], digits = 4): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, at) => expect(value).toBeCloseTo(expected[at] as number, digits));
}

describe("fitFactors", () => {
  it("gives scikit-learn's mean, variance shares and deviations", async () => {
    const fit = await fitFactors(staged(), false, options);
    expectClose([...fit.mean], reference.mean);
    expectClose(fit.explained, reference.explained, 5);
    expectClose(fit.sigma, reference.sigma);
  });

  it("gives its components, up to sign", async () => {
    const fit = await fitFactors(staged(), false, options);
    reference.components.forEach((expected, row) => {
      const found = fit.components.read(row);
      const dot = expected.reduce((sum, value, at) => sum + value * (found[at] as number), 0);
      expect(Math.abs(dot)).toBeCloseTo(1, 4);
    });
  });

  it("rebuilds members from their coordinates as far as the components reach", async () => {
    const fit = await fitFactors(staged(), false, { ...options, components: 11 });
    const count = fit.sigma.length;
    reference.vectors.forEach((vector, row) => {
      const rebuilt = vector.map((_, at) => {
        let value = fit.mean[at] as number;
        for (let j = 0; j < count; j++) {
          value +=
            (fit.coordinates[row * count + j] as number) *
            (fit.sigma[j] as number) *
            (fit.components.read(j)[at] as number);
        }
        return value;
      });
      expectClose(rebuilt, vector, 3);
    });
  });

  it("gives members unit deviation in sigma", async () => {
    const fit = await fitFactors(staged(), false, options);
    const members = reference.vectors.length;
    for (let j = 0; j < fit.sigma.length; j++) {
      let sum = 0;
      for (let row = 0; row < members; row++)
        sum += (fit.coordinates[row * fit.sigma.length + j] as number) ** 2;
      expect(sum / (members - 1)).toBeCloseTo(1, 4);
    }
  });

  it("standardises each dimension when asked", async () => {
    const fit = await fitFactors(staged(), true, options);
    expectClose(fit.explained, reference.standardisedExplained, 5);
    expect(fit.scale).not.toBeNull();
  });

  it("gives fewer components where members agree", async () => {
    const stage = memoryStage(5, 4);
    for (let row = 0; row < 5; row++) stage.write(row, Float32Array.of(row, 2 * row, 1, 0));
    const fit = await fitFactors(stage, false, { ...options, components: 3 });
    expect(fit.sigma).toHaveLength(1);
    expect(fit.explained[0]).toBeCloseTo(1, 6);
  });
});
