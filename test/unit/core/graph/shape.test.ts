/** Broadcasting, against numpy's rule on numbers and for sizes that are not known yet. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { plus, symbol, times } from "../../../../src-main/core/graph/dimension.ts";
import {
  axisFromFront,
  broadcast,
  evaluateShape,
  sameShape,
  shapeText,
  sizeOf,
} from "../../../../src-main/core/graph/shape.ts";

const [batch, width] = [symbol("batch"), symbol("width")];

const shapes = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });

/** numpy's rule, told from the end. */
function numpy(left: readonly number[], right: readonly number[]): number[] | undefined {
  const size = (shape: readonly number[], back: number) => shape[shape.length - back] ?? 1;
  const result: number[] = [];
  for (let back = 1; back <= Math.max(left.length, right.length); back++) {
    const [a, b] = [size(left, back), size(right, back)];
    if (a !== b && a !== 1 && b !== 1) return undefined;
    result.unshift(a === 1 ? b : a);
  }
  return result;
}

it("broadcasts as numpy does", () => {
  fc.assert(
    fc.property(shapes, shapes, (left, right) => {
      expect(broadcast(left, right)).toEqual(numpy(left, right));
      expect(broadcast(right, left)).toEqual(numpy(left, right));
    }),
    { numRuns: 1000 },
  );
});

it("broadcasts symbolic sizes to themselves and from 1 only", () => {
  expect(broadcast([batch, 1, 4], [width, 1])).toEqual([batch, width, 4]);
  expect(broadcast([batch], [batch])).toEqual([batch]);
  expect(broadcast([batch], [width])).toBeUndefined();
  expect(broadcast([batch], [3])).toBeUndefined();
  expect(broadcast([plus(batch, 1)], [plus(1, batch)])).toEqual([plus(batch, 1)]);
});

it("counts elements", () => {
  expect(sizeOf([])).toBe(1);
  expect(sizeOf([2, 0, 3])).toBe(0);
  expect(sizeOf([batch, 3, width])).toEqual(times(3, times(batch, width)));
});

it("says shapes, compares them and puts numbers into them", () => {
  const shape = [batch, 2, plus(width, 1)];
  expect(shapeText(shape)).toBe("[batch, 2, width + 1]");
  expect(sameShape(shape, [batch, 2, plus(1, width)])).toBe(true);
  expect(sameShape(shape, [batch, 2])).toBe(false);
  expect(sameShape([], [])).toBe(true);
  const sizes = new Map([
    ["batch", 4],
    ["width", 7],
  ]);
  expect(evaluateShape(shape, sizes)).toEqual([4, 2, 8]);
});

it("counts axes from the front", () => {
  expect([-1, -3, 0, 2].map((axis) => axisFromFront(axis, 3))).toEqual([2, 0, 0, 2]);
});
