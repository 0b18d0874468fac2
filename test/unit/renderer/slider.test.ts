/** The sigma slider's arithmetic against what a hand would expect. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  TRACK_SIGMA,
  dragDelta,
  isBeyond,
  keyValue,
  knownRange,
  snap,
  trackPosition,
} from "../../../src-renderer/lib/slider.ts";

const plain = { shiftKey: false, altKey: false };

describe("relative drag", () => {
  test("the thumb stays under the pointer: the track's width is its whole range", () => {
    expect(dragDelta(240, 240, plain)).toBe(2 * TRACK_SIGMA);
    expect(dragDelta(-60, 240, plain)).toBe(-2);
  });

  test("Shift moves a tenth, Alt three times as far, Shift wins", () => {
    expect(dragDelta(60, 240, { shiftKey: true, altKey: false })).toBeCloseTo(0.2, 12);
    expect(dragDelta(60, 240, { shiftKey: false, altKey: true })).toBe(6);
    expect(dragDelta(60, 240, { shiftKey: true, altKey: true })).toBeCloseTo(0.2, 12);
  });

  test("a track that is not laid out yet moves nothing", () => {
    expect(dragDelta(50, 0, plain)).toBe(0);
  });

  test("there and back leaves the value where it was", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -200, max: 200 }), { maxLength: 30 }), (moves) => {
        const all = [...moves, -moves.reduce((sum, move) => sum + move, 0)];
        const raw = all.reduce((value, move) => value + dragDelta(move, 233, plain), 1.23);
        expect(snap(raw)).toBe(1.23);
      }),
    );
  });
});

describe("keys", () => {
  test("arrows move a tenth, with Shift a hundredth", () => {
    expect(keyValue(0.25, "ArrowRight", false)).toBe(0.35);
    expect(keyValue(0.25, "ArrowDown", true)).toBe(0.24);
    expect(keyValue(0.3, "ArrowLeft", false)).toBe(0.2);
  });

  test("ten steps of 0.1 make exactly one sigma", () => {
    let value = 0;
    for (let i = 0; i < 10; i++) value = keyValue(value, "ArrowRight", false) ?? Number.NaN;
    expect(value).toBe(1);
  });

  test("other keys are left to the page", () => {
    expect(keyValue(1, "a", false)).toBeNull();
    expect(keyValue(1, "Tab", false)).toBeNull();
  });
});

test("minus zero is never shown", () => {
  expect(Object.is(snap(-0.001), 0)).toBe(true);
});

test("values beyond the track stand at its ends", () => {
  expect(trackPosition(0)).toBe(0.5);
  expect(trackPosition(17)).toBe(1);
  expect(trackPosition(-17)).toBe(0);
});

describe("known range", () => {
  test("cuts half a percent at either end", () => {
    // 1,000 members: 4 in the lowest bin (less than 5) fall out, 6 in the highest (more than 5) stay.
    const bins = [4, 0, 490, 500, 0, 0, 0, 6];
    const range = knownRange(bins);
    expect(range).toEqual({ low: -2, high: 4 });
    expect(isBeyond(-2.5, range)).toBe(true);
    expect(isBeyond(3.9, range)).toBe(false);
  });

  test("zero is never beyond, and without members nothing is", () => {
    expect(isBeyond(0, { low: 1, high: 2 })).toBe(false);
    expect(knownRange([0, 0, 0, 0])).toEqual({ low: -4, high: 4 });
  });

  test("holds at least 99 % of the members, and no narrower range of bins does from either side", () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.integer({ min: 0, max: 400 }), { minLength: 4, maxLength: 64 })
          .filter((bins) => bins.some((bin) => bin > 0)),
        (bins) => {
          const total = bins.reduce((sum, bin) => sum + bin, 0);
          const { low, high } = knownRange(bins);
          const width = 8 / bins.length;
          const first = Math.round((low + 4) / width);
          const last = Math.round((high + 4) / width) - 1;
          const below = bins.slice(0, first).reduce((sum, bin) => sum + bin, 0);
          const above = bins.slice(last + 1).reduce((sum, bin) => sum + bin, 0);
          expect(below).toBeLessThanOrEqual(total * 0.005);
          expect(above).toBeLessThanOrEqual(total * 0.005);
          expect(below + (bins[first] ?? 0)).toBeGreaterThan(total * 0.005);
        },
      ),
    );
  });
});
