import { describe, expect, it } from "vitest";
import {
  type OrthogonalBasis,
  basisOfColumns,
  basisOfRows,
} from "../../../../src-main/core/linalg/orthogonal-basis.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { distance, matrixOf, normals, skewness, times, turned } from "../../../support/dense.ts";

const rows = 60;
const rank = 6;

/** Columns of a tall factor, each as a recipe from six random ones. */
function factor(recipe: (columns: number[][]) => number[][]): number[][] {
  const random = seededRandom(3);
  const columns = Array.from({ length: rank }, () => [...normals(random, rows)]);
  return turned(recipe(columns)).map((row) => row.map(Math.fround));
}

const cases: Record<string, { tall: number[][]; size: number }> = {
  independent: { tall: factor((columns) => columns), size: 6 },
  "of very different lengths": {
    tall: factor((columns) => columns.map((c, j) => c.map((x) => x * 10 ** (-5 * j)))),
    size: 6,
  },
  "with repeated columns": {
    tall: factor((c) => [c[0] ?? [], c[1] ?? [], c[0] ?? [], c[0] ?? [], c[1] ?? [], c[2] ?? []]),
    size: 3,
  },
  "with a zero column": {
    tall: factor((columns) => columns.map((c, j) => (j === 2 ? c.map(() => 0) : c))),
    size: 5,
  },
  "all zero": { tall: factor((columns) => columns.map((c) => c.map(() => 0))), size: 0 },
  // As in a blend of a LoRA with another factorisation of itself, and a repeated one of those.
  "of three and their mixtures": {
    tall: factor((c) => {
      const mix = (a: number, b: number) =>
        (c[0] ?? []).map((x, i) => a * x + b * (c[1]?.[i] ?? 0) - 0.2 * (c[2]?.[i] ?? 0));
      return [c[0] ?? [], c[1] ?? [], c[2] ?? [], mix(0.3, 0.4), mix(-0.6, 0.1), mix(0.3, 0.4)];
    }),
    size: 5,
  },
  // Rounding to float32 leaves a little of its own in such columns: they must not be dropped.
  "nearly dependent": {
    tall: factor((c) => [
      ...c.slice(0, 5),
      (c[0] ?? []).map((x, i) => 0.3 * x - 0.7 * (c[1]?.[i] ?? 0)),
    ]),
    size: 6,
  },
};

function check(basis: OrthogonalBasis, tall: number[][], q: number[][]): void {
  expect(distance(times(q, matrixOf(basis.r, basis.size, rank)), tall)).toBeLessThan(1e-6);
  expect(skewness(q)).toBeLessThan(1e-6);
}

function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
}

describe.each(Object.entries(cases))("a factor %s", (_, { tall, size }) => {
  it("splits into orthonormal columns and what they are combined by, tall or wide", () => {
    const columns = basisOfColumns(Float32Array.from(tall.flat()), rows, rank);
    expect(columns.size).toBe(size);
    check(columns, tall, matrixOf(columns.expand(identity(size), size), rows, size));
    const wide = basisOfRows(Float32Array.from(turned(tall).flat()), rank, rows);
    expect(wide.size).toBe(size);
    check(wide, tall, turned(matrixOf(wide.expand(identity(size), size), size, rows)));
  });
});

it("has no more columns than the factor is long", () => {
  const basis = basisOfColumns(normals(seededRandom(1), 4 * rank), 4, rank);
  expect(basis.size).toBe(4);
});
