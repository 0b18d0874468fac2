/** Fitting over LoRAs: forms chosen by what they keep, members found again whatever their basis. */
import { describe, expect, it } from "vitest";
import { deltaInner } from "../../../../src-main/core/lora/forms/delta.ts";
import type { Lora, LoraModule } from "../../../../src-main/core/lora/lora.ts";
import {
  type FittedSpace,
  fitSpace,
  openFitted,
  type SpaceRequest,
} from "../../../../src-main/core/spaces/fit.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { memoryStage } from "../../../../src-main/core/spaces/stage.ts";
import { type Random, seededRandom } from "../../../../src-main/core/tensor/random.ts";

const shapes = [
  { path: "unet.a", out: 12, in: 10, kernel: [1, 1] as const, conv: false },
  { path: "unet.b", out: 8, in: 14, kernel: [1, 1] as const, conv: false },
];
const rank = 2;

function normals(random: Random, count: number, scale: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal() * scale);
}

/** Members that differ along three hidden directions of `up`, over one shared `down`. */
function world(count: number, twist: boolean): Lora[] {
  const random = seededRandom(5);
  const downs = shapes.map((shape) => normals(random, rank * shape.in, 1));
  const base = shapes.map((shape) => normals(random, rank * shape.out, 1));
  const directions = shapes.map((shape) =>
    [0, 1, 2].map(() => normals(random, rank * shape.out, 0.6)),
  );
  return Array.from({ length: count }, () => {
    const scores = [random.normal(), random.normal(), random.normal()];
    const [a, b, c, d] = twist
      ? [random.normal() + 2, random.normal(), random.normal(), random.normal() + 2]
      : [1, 0, 0, 1];
    const modules = shapes.map((shape, at): LoraModule => {
      const up = (base[at] ?? new Float32Array()).map((value, i) =>
        scores.reduce((sum, score, j) => sum + score * (directions[at]?.[j]?.[i] ?? 0), value),
      );
      return {
        ...shape,
        rank,
        ...rebased(up, downs[at] ?? new Float32Array(), [a, b, c, d], shape.in),
      };
    });
    return { family: "sd15", modules, embeddings: [] };
  });
}

/** `up M` and `M⁻¹ down` with M = [[a, b], [c, d]]. */
function rebased(
  up: Float32Array,
  down: Float32Array,
  [a, b, c, d]: readonly [number, number, number, number],
  columns: number,
): { up: Float32Array; down: Float32Array } {
  const determinant = a * d - b * c;
  const turned = new Float32Array(up.length);
  for (let o = 0; o < up.length; o += 2) {
    turned[o] = (up[o] as number) * a + (up[o + 1] as number) * c;
    turned[o + 1] = (up[o] as number) * b + (up[o + 1] as number) * d;
  }
  const back = new Float32Array(down.length);
  for (let i = 0; i < columns; i++) {
    const [first, second] = [down[i] as number, down[columns + i] as number];
    back[i] = (d * first - b * second) / determinant;
    back[columns + i] = (-c * first + a * second) / determinant;
  }
  return { up: turned, down: back };
}

function fit(members: readonly Lora[], request: Partial<SpaceRequest>): Promise<FittedSpace> {
  return fitSpace(
    {
      ids: members.map((_, index) => String(index)),
      family: "sd15",
      modules: shapes,
      load: (index) => Promise.resolve(members[index] as Lora),
    },
    { rank, standardise: false, ...request },
    { seed: 0, products: plainProducts, makeStage: memoryStage, progress: () => Promise.resolve() },
  );
}

function relativeError(expected: Lora, found: Lora): number {
  const energy = deltaInner(expected, expected);
  return Math.sqrt(
    Math.max(0, energy - 2 * deltaInner(expected, found) + deltaInner(found, found)) / energy,
  );
}

describe("fitSpace", () => {
  it("finds the three directions by products, whatever basis each member came in", async () => {
    const fitted = await fit(world(30, true), { form: "delta", components: 8 });
    expect(
      fitted.record.explained.slice(0, 3).reduce((sum, share) => sum + share, 0),
    ).toBeGreaterThan(0.999);
  });

  it.each(["standard", "aligned", "delta"] as const)(
    "decodes members in the %s form",
    async (form) => {
      const members = world(12, true);
      const space = openFitted(await fit(members, { form, components: 11 }), plainProducts);
      for (const index of [0, 5]) {
        const row = space.memberCoordinates.subarray(
          index * space.record.components,
          (index + 1) * space.record.components,
        );
        expect(
          relativeError(members[index] as Lora, (await space.decode(Array.from(row))).lora),
        ).toBeLessThan(0.01);
      }
    },
  );

  it.each(["standard", "aligned", "delta"] as const)(
    "locates a member by its numbers in the %s form",
    async (form) => {
      const members = world(12, true);
      const space = openFitted(await fit(members, { form, components: 11 }), plainProducts);
      const { lora: found } = await space.decode(await space.project(members[7] as Lora));
      expect(relativeError(members[7] as Lora, found)).toBeLessThan(0.01);
    },
  );

  it("chooses the form that keeps most of left-out members, and says what each kept", async () => {
    const fitted = await fit(world(40, true), { components: 3 });
    expect(fitted.record.suitability.map(({ form }) => form)).toEqual([
      "standard",
      "aligned",
      "delta",
    ]);
    const best = fitted.record.suitability.toSorted((a, b) => b.kept - a.kept)[0];
    expect(fitted.record.form).toBe(best?.form);
    expect(best?.kept).toBeGreaterThan(0.99);
  });

  it("keeps 99 % of the variance when no number of components is asked for", async () => {
    const fitted = await fit(world(30, false), { form: "delta" });
    expect(fitted.record.components).toBe(3);
  });

  it("refuses a single member by name of the number", async () => {
    await expect(fit(world(1, false), { form: "delta" })).rejects.toThrow(/at least 2 LoRAs; 1/);
  });

  it("gives the same numbers for the same seed", async () => {
    const [one, two] = [
      await fit(world(10, true), { form: "delta" }),
      await fit(world(10, true), { form: "delta" }),
    ];
    expect(one.memberCoordinates).toEqual(two.memberCoordinates);
    expect(one.components.read(0)).toEqual(two.components.read(0));
  });
});
