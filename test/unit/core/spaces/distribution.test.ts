/** How members are spread: counts, ends, rarity, draws. */
import { describe, expect, it } from "vitest";
import {
  ends,
  extremity,
  histogram,
  sampleCoordinates,
} from "../../../../src-main/core/spaces/distribution.ts";

const members = {
  coordinates: Float32Array.of(-5, 0, 0.05, 1, 1, -1, 3.99, 0.5),
  count: 4,
  components: 2,
};

describe("histogram", () => {
  it("counts every member once, those far out at the ends", () => {
    const counts = histogram(members, 0);
    expect(counts).toHaveLength(40);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    expect([counts[0], counts[20], counts[25], counts[39]]).toEqual([1, 1, 1, 1]);
  });
});

describe("ends", () => {
  it("names the members furthest out", () => {
    expect(ends(members, 0)).toEqual({ low: 0, high: 3 });
    expect(ends(members, 1)).toEqual({ low: 2, high: 1 });
  });
});

describe("extremity", () => {
  it("is the share of members nearer to the mean", () => {
    expect(extremity(members, [0, 0]).extremity).toBe(0);
    expect(extremity(members, [2, 0]).extremity).toBe(0.5);
    expect(extremity(members, [40, 0])).toEqual({ extremity: 1, beyond: { index: 0, sigma: 40 } });
  });
  it("says nothing about a component within what members have", () => {
    expect(extremity(members, [4, 0.9]).beyond).toBeNull();
  });
});

describe("sampleCoordinates", () => {
  it("gives the same draw for the same seed and index, another for another", () => {
    expect(sampleCoordinates(6, 3, 1, 1)).toEqual(sampleCoordinates(6, 3, 1, 1));
    expect(sampleCoordinates(6, 3, 1, 1)).not.toEqual(sampleCoordinates(6, 3, 2, 1));
  });
  it("has the deviation it was asked for", () => {
    const draws = Array.from({ length: 400 }, (_, at) => sampleCoordinates(5, 11, at, 0.5)).flat();
    const deviation = Math.sqrt(
      draws.reduce((sum, value) => sum + value * value, 0) / draws.length,
    );
    expect(deviation).toBeGreaterThan(0.47);
    expect(deviation).toBeLessThan(0.53);
  });
});
