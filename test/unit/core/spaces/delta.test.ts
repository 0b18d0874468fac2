/** PCA over products, held against scikit-learn on the dense deltas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Lora } from "../../../../src-main/core/lora/lora.ts";
import { type FittedSpace, fitSpace, openFitted } from "../../../../src-main/core/spaces/fit.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { memoryStage } from "../../../../src-main/core/spaces/stage.ts";

const Matrix = z.array(z.array(z.number()));
const reference = z
  .object({
    shapes: z.array(z.tuple([z.number(), z.number()])),
    members: z.array(z.array(z.object({ up: Matrix, down: Matrix }))),
    explained: z.array(z.number()),
    sigma: z.array(z.number()),
    rebuilt: z.array(z.number()),
  })
  .parse(
    JSON.parse(
      readFileSync(join(import.meta.dirname, "../../../fixtures/spaces/delta.json"), "utf8"),
    ),
  );

/** A change of basis per member: the delta form must not see it. */
const bases = [
  [1, 0, 0, 1],
  [0, 2, -1, 0.5],
  [3, 1, 0, -1],
  [-1, 0, 0, 4],
  [0.1, 0, 1, 5],
  [1, 1, 1, -1],
] as const;

function member(index: number, twisted: boolean): Lora {
  const [a, b, c, d] = twisted ? (bases[index] ?? bases[0]) : bases[0];
  const determinant = a * d - b * c;
  return {
    family: "sd15",
    embeddings: [],
    modules: reference.shapes.map(([out, columns], at) => {
      const factors = reference.members[index]?.[at];
      if (factors === undefined) throw new Error("no such member");
      const [first = [], second = []] = factors.down;
      return {
        path: `unet.module.${String(at)}`,
        out,
        in: columns,
        kernel: [1, 1] as const,
        conv: false,
        rank: 2,
        // B M and M^-1 A with M = [[a, b], [c, d]].
        up: Float32Array.from(
          factors.up.flatMap(([p = 0, q = 0]) => [p * a + q * c, p * b + q * d]),
        ),
        down: Float32Array.from([
          ...first.map((value, i) => (d * value - b * (second[i] ?? 0)) / determinant),
          ...first.map((value, i) => (-c * value + a * (second[i] ?? 0)) / determinant),
        ]),
      };
    }),
  };
}

function fit(twisted: boolean): Promise<FittedSpace> {
  const modules = member(0, false).modules.map(({ path, out, in: input, kernel, conv }) => ({
    path,
    out,
    in: input,
    kernel,
    conv,
  }));
  return fitSpace(
    {
      ids: reference.members.map((_, index) => `m${String(index)}`),
      family: "sd15",
      modules,
      load: (index) => Promise.resolve(member(index, twisted)),
    },
    { form: "delta", components: 4, rank: 2, standardise: false },
    { seed: 0, products: plainProducts, makeStage: memoryStage, progress: () => Promise.resolve() },
  );
}

function dense(lora: Lora): number[] {
  return lora.modules.flatMap((module) =>
    Array.from({ length: module.out * module.in }, (_, at) => {
      const [i, j] = [Math.floor(at / module.in), at % module.in];
      let sum = 0;
      for (let p = 0; p < module.rank; p++) {
        sum +=
          (module.up[i * module.rank + p] as number) * (module.down[p * module.in + j] as number);
      }
      return sum;
    }),
  );
}

describe("the delta form", () => {
  it.each([false, true])(
    "has scikit-learn's spectrum of the products (twisted bases: %s)",
    async (twisted) => {
      const { record } = await fit(twisted);
      reference.explained.forEach((share, at) =>
        expect(record.explained[at]).toBeCloseTo(share, 4),
      );
      reference.sigma.forEach((value, at) =>
        expect((record.sigma[at] ?? 0) / value).toBeCloseTo(1, 3),
      );
    },
  );

  it("rebuilds a member as the dense PCA does, cut to the space's rank", async () => {
    const fitted = await fit(true);
    // Rank 6 holds the whole 4 x 7 and 6 x 5 products: nothing is cut and the references agree.
    const whole = { ...fitted, record: { ...fitted.record, rank: 6 } };
    const space = openFitted(whole, plainProducts);
    const coordinates = Array.from(space.memberCoordinates.subarray(0, 4));
    const made = dense((await space.decode(coordinates)).lora);
    made.forEach((value, at) => expect(value).toBeCloseTo(reference.rebuilt[at] as number, 2));
  });

  it("says how much of a point its rank kept", async () => {
    const fitted = await fit(false);
    const at = async (rank: number) => {
      const space = openFitted({ ...fitted, record: { ...fitted.record, rank } }, plainProducts);
      const { lora, kept } = await space.decode([1, -1, 0.5, 0]);
      return { energy: dense(lora).reduce((sum, value) => sum + value * value, 0), kept };
    };
    const [whole, cut] = [await at(6), await at(1)];
    expect(whole.kept).toBeCloseTo(1, 3);
    expect(cut.kept).toBeCloseTo(cut.energy / whole.energy, 3);
    expect(cut.kept).toBeLessThan(0.95);
  });

  it("projects a member onto its own coordinates", async () => {
    const space = openFitted(await fit(true), plainProducts);
    for (const index of [0, 3]) {
      const found = await space.project(member(index, true));
      const known = space.memberCoordinates.subarray(index * 4, index * 4 + 4);
      found.forEach((value, at) => expect(value).toBeCloseTo(known[at] as number, 2));
    }
  });
});
