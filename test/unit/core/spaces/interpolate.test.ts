/** Latent mixes: slerp by its closed formula, and what must hold for any points. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mixLinear, mixSpherical } from "../../../../src-main/core/spaces/interpolate.ts";

const point = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 4, maxLength: 4 });
const far = point.filter((values) => Math.hypot(...values) > 0.1);

/** Shoemake (1985), for two unit vectors. */
function slerp(a: readonly number[], b: readonly number[], t: number): number[] {
  const cosine = a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  return a.map(
    (value, at) =>
      (Math.sin((1 - t) * angle) * value + Math.sin(t * angle) * (b[at] as number)) /
      Math.sin(angle),
  );
}

describe("mixSpherical", () => {
  it("is slerp for two points of equal length", () => {
    const a = [1, 0, 0];
    const b = [0, 0.6, 0.8];
    for (const t of [0.1, 0.25, 0.5, 0.9]) {
      const expected = slerp(a, b, t);
      mixSpherical([a, b], [1 - t, t]).forEach((value, at) =>
        expect(value).toBeCloseTo(expected[at] as number, 9),
      );
    }
  });

  it("keeps the distance from the mean that its points have", () => {
    fc.assert(
      fc.property(fc.array(far, { minLength: 2, maxLength: 5 }), (points) => {
        const same = points.map((values) =>
          values.map((value) => (value * 3) / Math.hypot(...values)),
        );
        const sum = mixLinear(
          same,
          same.map(() => 1),
        );
        fc.pre(Math.hypot(...sum) > 0.5);
        const mixed = mixSpherical(
          same,
          same.map(() => 1 / same.length),
        );
        expect(Math.hypot(...mixed)).toBeCloseTo(3, 6);
      }),
    );
  });

  it("gives a point back where it has all the weight", () => {
    fc.assert(
      fc.property(far, far, (a, b) => {
        mixSpherical([a, b], [1, 0]).forEach((value, at) =>
          expect(value).toBeCloseTo(a[at] as number, 9),
        );
      }),
    );
  });

  it("does not fail where points lie at the mean or opposite each other", () => {
    expect(
      mixSpherical(
        [
          [0, 0],
          [0, 0],
        ],
        [0.5, 0.5],
      ),
    ).toEqual([0, 0]);
    expect(
      mixSpherical(
        [
          [1, 0],
          [-1, 0],
        ],
        [0.5, 0.5],
      ).every(Number.isFinite),
    ).toBe(true);
  });
});

describe("mixLinear", () => {
  it("fills shorter points with zeros", () => {
    expect(mixLinear([[2, 4], [2]], [0.5, 0.5])).toEqual([2, 2]);
  });
});
