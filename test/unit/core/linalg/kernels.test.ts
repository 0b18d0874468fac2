import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  crossOfColumns,
  crossOfRows,
  gramOfColumns,
  gramOfRows,
} from "../../../../src-main/core/linalg/gram.ts";
import {
  multiply,
  smallTimesWide,
  tallTimesSmall,
} from "../../../../src-main/core/linalg/multiply.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { distance, matrixOf, normals, times, turned } from "../../../support/dense.ts";

/** Sizes around the tile of 4, the slice lengths, and 1. */
const short = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 33);
const long = fc.constantFrom(1, 2, 5, 16, 63, 255, 256, 257, 700, 1025, 2050);
const sizes = fc.record({ long, a: short, b: short, seed: fc.nat() });

describe("products of long factors", () => {
  it("agree with plain sums at every size, also where it is no multiple of a tile or a slice", () => {
    fc.assert(
      fc.property(sizes, ({ long: length, a, b, seed }) => {
        const random = seededRandom(seed);
        const [left, right] = [normals(random, length * a), normals(random, length * b)];
        const [tallA, tallB] = [matrixOf(left, length, a), matrixOf(right, length, b)];
        const [wideA, wideB] = [matrixOf(left, a, length), matrixOf(right, b, length)];
        const near = (values: Float64Array, wanted: number[][], columns: number) => {
          expect(values.length).toBe(wanted.flat().length);
          expect(distance(matrixOf(values, wanted.length, columns), wanted)).toBeLessThan(1e-14);
        };
        near(gramOfColumns(left, length, a), times(turned(tallA), tallA), a);
        near(gramOfRows(left, a, length), times(wideA, turned(wideA)), a);
        near(crossOfColumns(left, right, length, a, b), times(turned(tallA), tallB), b);
        near(crossOfRows(left, right, a, b, length), times(wideA, turned(wideB)), b);
      }),
      { numRuns: 60 },
    );
  });

  it("multiply with small matrices to within the rounding of the result to float32", () => {
    fc.assert(
      fc.property(sizes, ({ long: length, a, b, seed }) => {
        const random = seededRandom(seed);
        const values = normals(random, length * a);
        const small = Float64Array.from(normals(random, a * b));
        const tall = tallTimesSmall(values, small, length, a, b);
        const wide = smallTimesWide(small, values, b, a, length);
        const wantedTall = times(matrixOf(values, length, a), matrixOf(small, a, b));
        const wantedWide = times(matrixOf(small, b, a), matrixOf(values, a, length));
        expect(distance(matrixOf(tall, length, b), wantedTall)).toBeLessThan(1e-7);
        expect(distance(matrixOf(wide, b, length), wantedWide)).toBeLessThan(1e-7);
        expect([tall.length, wide.length]).toEqual([length * b, length * b]);
      }),
      { numRuns: 60 },
    );
  });

  it("multiply float64 matrices, small and large", () => {
    for (const [m, k, n] of [
      [3, 4, 5],
      [1, 1, 1],
      [37, 290, 41],
      [40, 33, 64],
    ] as const) {
      const random = seededRandom(m);
      const [a, b] = [normals(random, m * k), normals(random, k * n)].map((values) =>
        Float64Array.from(values),
      ) as [Float64Array, Float64Array];
      const wanted = times(matrixOf(a, m, k), matrixOf(b, k, n));
      expect(distance(matrixOf(multiply(a, b, m, k, n), m, n), wanted)).toBeLessThan(1e-14);
    }
  });

  it("give the same bits whatever was computed before in the shared memory", () => {
    const random = seededRandom(5);
    const values = normals(random, 77 * 6);
    const first = gramOfRows(values, 6, 77);
    const product = smallTimesWide(first, values, 6, 6, 77);
    gramOfColumns(normals(random, 3000 * 31, Number.NaN), 3000, 31);
    expect(gramOfRows(values, 6, 77)).toEqual(first);
    expect(smallTimesWide(first, values, 6, 6, 77)).toEqual(product);
  });
});
