/** Weights and the pad: sums, locks, and coordinates that lead back to the point. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  centroid,
  clampToPolygon,
  corners,
  weightsAt,
} from "../../../src-renderer/lib/barycentric.ts";
import {
  applyWeights,
  rebalance,
  setWeight,
  type Weight,
} from "../../../src-renderer/lib/weights.ts";

const total = (weights: readonly { value: number }[]): number =>
  weights.reduce((sum, weight) => sum + weight.value, 0);
const free = (...values: number[]): Weight[] => values.map((value) => ({ value, locked: false }));

describe("weights", () => {
  test("the others share the rest in their proportions", () => {
    const next = setWeight(free(0.5, 0.3, 0.2), 0, 0.75);
    expect(next.map((weight) => weight.value)).toEqual([
      0.75,
      expect.closeTo(0.15),
      expect.closeTo(0.1),
    ]);
  });

  test("others at zero share evenly", () => {
    expect(setWeight(free(1, 0, 0), 0, 0.4).map((weight) => weight.value)).toEqual([0.4, 0.3, 0.3]);
  });

  test("locked ones stay, and limit what one may take", () => {
    const weights: Weight[] = [
      { value: 0.4, locked: true },
      { value: 0.4, locked: false },
      { value: 0.2, locked: false },
    ];
    const next = setWeight(weights, 1, 0.9);
    expect(next.map((weight) => weight.value)).toEqual([0.4, 0.6, 0]);
  });

  test("with everybody else locked a weight cannot move", () => {
    const weights: Weight[] = [
      { value: 0.7, locked: true },
      { value: 0.3, locked: false },
    ];
    expect(setWeight(weights, 1, 0.9)[1]?.value).toBeCloseTo(0.3, 12);
  });

  test("whatever is done, weights sum to 1 and none is negative", () => {
    const state = fc
      .array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), {
        minLength: 2,
        maxLength: 12,
      })
      .map((list) =>
        rebalance(list.map(([value, locked]) => ({ value: value / list.length, locked }))),
      );
    fc.assert(
      fc.property(
        state,
        fc.nat(11),
        fc.double({ min: -1, max: 2, noNaN: true }),
        (weights, at, value) => {
          const index = at % weights.length;
          for (const next of [
            weights,
            setWeight(weights, index, value),
            applyWeights(
              weights,
              weights.map((_, i) => (i === index ? 1 : 0.1)),
            ),
          ]) {
            if (next.every((weight) => weight.locked)) continue;
            expect(total(next)).toBeCloseTo(1, 9);
            expect(Math.min(...next.map((weight) => weight.value))).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });

  test("a newcomer gets an even share", () => {
    expect(
      rebalance([{ value: 0.5, locked: false }, { value: 0.5, locked: false }, null]).map(
        (weight) => weight.value,
      ),
    ).toEqual([expect.closeTo(0.375), expect.closeTo(0.375), expect.closeTo(0.25)]);
  });
});

describe("the pad", () => {
  const inSquare = fc.record({
    x: fc.double({ min: -1.5, max: 1.5, noNaN: true }),
    y: fc.double({ min: -1.5, max: 1.5, noNaN: true }),
  });

  test("coordinates sum to 1, are not negative and reproduce the point, for any number of parents", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 24 }), inSquare, (amount, point) => {
        const polygon = corners(amount);
        const weights = weightsAt(point, polygon);
        const expected = clampToPolygon(point, polygon);
        const at = centroid(polygon, weights);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(-1e-12);
        expect(at.x).toBeCloseTo(expected.x, 6);
        expect(at.y).toBeCloseTo(expected.y, 6);
      }),
    );
  });

  test("in a triangle they are the areas of the opposite triangles", () => {
    const polygon = corners(3);
    const point = { x: 0.1, y: -0.2 };
    const area = (
      a: { x: number; y: number },
      b: { x: number; y: number },
      c: { x: number; y: number },
    ): number => Math.abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y));
    const [a, b, c] = polygon;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three corners");
    const whole = area(a, b, c);
    const weights = weightsAt(point, polygon);
    expect(weights[0]).toBeCloseTo(area(point, b, c) / whole, 9);
    expect(weights[1]).toBeCloseTo(area(a, point, c) / whole, 9);
    expect(weights[2]).toBeCloseTo(area(a, b, point) / whole, 9);
  });

  test("a corner is one parent alone, the middle is all evenly", () => {
    const polygon = corners(5);
    const [first] = polygon;
    if (first === undefined) throw new Error("five corners");
    expect(weightsAt(first, polygon)).toEqual([1, 0, 0, 0, 0]);
    for (const weight of weightsAt({ x: 0, y: 0 }, polygon)) expect(weight).toBeCloseTo(0.2, 9);
  });

  test("outside lies on the nearest edge, between two parents", () => {
    const weights = weightsAt({ x: 4, y: 4 }, corners(4));
    expect(weights.filter((weight) => weight > 1e-9)).toHaveLength(2);
  });

  test("two parents are a line", () => {
    expect(weightsAt({ x: 0.5, y: 3 }, corners(2))).toEqual([0.25, 0.75]);
  });
});
