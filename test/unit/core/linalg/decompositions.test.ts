import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { symmetricEigen } from "../../../../src-main/core/linalg/eigen/small.ts";
import { type Svd, leadingSvd, svd } from "../../../../src-main/core/linalg/svd.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { distance, matrixOf, normals, skewness, times, turned } from "../../../support/dense.ts";
import { qr } from "../../../support/qr.ts";

const numbers = z.array(z.number());
const references = z
  .object({
    eigen: z.array(z.object({ n: z.int(), matrix: numbers, values: numbers })),
    svd: z.array(z.object({ m: z.int(), n: z.int(), matrix: numbers, values: numbers })),
  })
  .parse(
    JSON.parse(
      readFileSync(new URL("../../../fixtures/linalg/references.json", import.meta.url), "utf8"),
    ),
  );

function random(count: number, seed: number): Float64Array {
  return Float64Array.from(normals(seededRandom(seed), count));
}

function symmetric(n: number, seed: number): Float64Array {
  const values = random(n * n, seed);
  return Float64Array.from(
    values,
    (value, at) => value + (values[(at % n) * n + Math.floor(at / n)] ?? 0),
  );
}

function expectEigen(matrix: Float64Array, n: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, n);
  const columns = matrixOf(vectors, n, n);
  const scaled = columns.map((row) => row.map((x, j) => x * (values[j] ?? 0)));
  expect(distance(times(scaled, turned(columns)), matrixOf(matrix, n, n))).toBeLessThan(1e-13);
  expect(skewness(columns)).toBeLessThan(1e-12);
  expect([...values]).toEqual([...values].toSorted((a, b) => b - a));
  return values;
}

describe("symmetricEigen", () => {
  it("finds LAPACK's eigenvalues, repeated and zero ones too", () => {
    for (const { n, matrix, values } of references.eigen) {
      const found = expectEigen(Float64Array.from(matrix), n);
      values.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 12));
    }
  });

  it("rebuilds any symmetric matrix from orthonormal vectors", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.nat(), (n, seed) => {
        expectEigen(symmetric(n, seed), n);
      }),
      { numRuns: 40 },
    );
    expectEigen(symmetric(150, 1), 150);
  });

  it("reads the lower triangle only and leaves the input alone", () => {
    const matrix = symmetric(6, 3);
    const upper = matrix.map((value, at) => (at % 6 > Math.floor(at / 6) ? Number.NaN : value));
    const before = upper.slice();
    expect(symmetricEigen(upper, 6).values).toEqual(symmetricEigen(matrix, 6).values);
    expect(upper).toEqual(before);
  });

  it("takes zero, diagonal and badly scaled matrices", () => {
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
    expect([...symmetricEigen(Float64Array.of(1, 0, 0, 7), 2).values]).toEqual([7, 1]);
    expectEigen(
      symmetric(9, 4).map((value) => value * 1e150),
      9,
    );
    expectEigen(
      symmetric(9, 4).map((value) => value * 1e-150),
      9,
    );
  });
});

function expectSvd(
  found: Svd,
  matrix: Float64Array,
  m: number,
  n: number,
  tolerance: number,
): void {
  const k = found.values.length;
  const left = matrixOf(found.left, m, k).map((row) =>
    row.map((x, j) => x * (found.values[j] ?? 0)),
  );
  const right = matrixOf(found.right, n, k);
  expect(distance(times(left, turned(right)), matrixOf(matrix, m, n))).toBeLessThan(tolerance);
  expect(skewness(matrixOf(found.left, m, k))).toBeLessThan(tolerance);
  expect(skewness(right)).toBeLessThan(tolerance);
}

describe("svd", () => {
  it("finds LAPACK's singular values", () => {
    for (const { m, n, matrix, values } of references.svd) {
      const found = svd(Float64Array.from(matrix), m, n);
      values.forEach((value, i) => expect(found.values[i]).toBeCloseTo(value, 12));
      expectSvd(found, Float64Array.from(matrix), m, n, 1e-12);
    }
  });

  it("rebuilds matrices of any shape and rank, with orthonormal vectors for zero values too", () => {
    const size = fc.integer({ min: 1, max: 14 });
    fc.assert(
      fc.property(size, size, size, fc.nat(), (m, n, rank, seed) => {
        const product = times(
          matrixOf(random(m * rank, seed), m, rank),
          matrixOf(random(rank * n, seed + 1), rank, n),
        );
        const matrix = Float64Array.from(product.flat());
        expectSvd(svd(matrix, m, n), matrix, m, n, 1e-12);
      }),
      { numRuns: 60 },
    );
  });

  it("has orthonormal vectors where rows are exactly zero, too", () => {
    for (const rows of [0, 1, 2, 3]) {
      const matrix = random(25, rows).map((value, at) => (at < 5 * rows ? value : 0));
      expectSvd(svd(matrix, 5, 5), matrix, 5, 5, 1e-12);
      const turnedOver = Float64Array.from(turned(matrixOf(matrix, 5, 5)).flat());
      expectSvd(svd(turnedOver, 5, 5), turnedOver, 5, 5, 1e-12);
    }
  });

  it("finds tiny singular values to full relative accuracy", () => {
    const { q } = qr(random(36, 8), 6, 6);
    const wanted = [1e3, 1, 1e-7, 1e-14, 1e-21, 1e-28];
    const matrix = q.map((value, at) => value * (wanted[at % 6] ?? 0));
    svd(matrix, 6, 6).values.forEach((value, i) => {
      expect(value / (wanted[i] ?? 1)).toBeCloseTo(1, 12);
    });
  });

  it("takes zero matrices and extreme scales", () => {
    expectSvd(svd(new Float64Array(12), 4, 3), new Float64Array(12), 4, 3, 1e-14);
    for (const scale of [1e-200, 1e200]) {
      const matrix = random(20, 2).map((value) => value * scale);
      const found = svd(matrix, 5, 4);
      const plain = svd(random(20, 2), 5, 4);
      found.values.forEach((value, i) =>
        expect(value / scale / (plain.values[i] ?? 1)).toBeCloseTo(1, 12),
      );
    }
  });
});

describe("leadingSvd", () => {
  it("is the head of the full one, on either side of the size where the method changes", () => {
    for (const [m, n, count] of [
      [12, 9, 4],
      [50, 37, 37],
      [37, 50, 8],
      [90, 30, 5],
    ] as const) {
      const matrix = random(m * n, m);
      const full = svd(matrix, m, n);
      const lead = leadingSvd(matrix, m, n, count);
      expect(lead.values.length).toBe(count);
      lead.values.forEach((value, i) =>
        expect(Math.abs(value / (full.values[i] ?? 0) - 1)).toBeLessThan(1e-12),
      );
      // Vectors agree up to their signs.
      for (let j = 0; j < count; j++) {
        const column = (values: Float64Array, width: number) =>
          matrixOf(values, m, width).map((row) => row[j] ?? 0);
        const [a, b] = [column(lead.left, count), column(full.left, full.values.length)];
        const cosine = a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
        expect(Math.abs(cosine)).toBeCloseTo(1, 9);
      }
      if (count === Math.min(m, n)) expectSvd(lead, matrix, m, n, 1e-10);
    }
  });
});
