/** The blocked eigensolver: numpy's values, and residuals and orthogonality where problems are hard. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { largeSymmetricEigen } from "../../../../src-main/core/linalg/eigen/large.ts";
import { multiply, transpose } from "../../../../src-main/core/linalg/multiply.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { normals } from "../../../support/dense.ts";
import { qr } from "../../../support/qr.ts";
import { largeReferences, wave } from "../../../support/wave.ts";

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Columns orthonormal, `A V = V D` and values descending, all to a few roundings of the largest value. */
async function expectEigen(matrix: Float64Array, n: number): Promise<Float64Array> {
  const { values, vectors } = await largeSymmetricEigen(matrix, n, plainProducts);
  const scale = largest(matrix) || 1;
  const plain = matrix.map((value) => value / scale);
  const image = multiply(plain, vectors, n, n, n);
  const residual = image.map(
    (value, at) => value - ((values[at % n] as number) / scale) * (vectors[at] as number),
  );
  const tolerance = 1e-14 * Math.max(2, Math.sqrt(n));
  expect(largest(residual)).toBeLessThan(tolerance * Math.max(1, largest(values) / scale));
  const gram = multiply(transpose(vectors, n, n), vectors, n, n, n);
  expect(largest(gram.map((value, at) => value - (at % (n + 1) === 0 ? 1 : 0)))).toBeLessThan(
    tolerance,
  );
  expect(values).toEqual(values.toSorted().reverse());
  return values;
}

function symmetric(n: number, of: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return of(Math.max(i, j), Math.min(i, j));
  });
}

function random(n: number, seed: number): Float64Array {
  const values = normals(seededRandom(seed), n * n);
  return symmetric(n, (i, j) => values[i * n + j] as number);
}

function withSpectrum(wanted: readonly number[]): Float64Array {
  const n = wanted.length;
  const { q } = qr(Float64Array.from(normals(seededRandom(n), n * n)), n, n);
  const scaled = q.map((value, at) => value * (wanted[at % n] as number));
  const product = multiply(scaled, transpose(q, n, n), n, n, n);
  return symmetric(n, (i, j) => product[i * n + j] as number);
}

describe("largeSymmetricEigen", () => {
  it("finds numpy's eigenvalues", async () => {
    for (const { n, values } of largeReferences.eigen) {
      const half = wave(n, n, 3);
      const matrix = half.map(
        (value, at) => value + (half[(at % n) * n + Math.floor(at / n)] ?? 0),
      );
      const found = await expectEigen(matrix, n);
      const tolerance = 1e-13 * largest(values);
      values.forEach((value, i) =>
        expect(Math.abs((found[i] as number) - value)).toBeLessThanOrEqual(tolerance),
      );
    }
  });

  it("solves random problems of every size around its blocks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(), async (n, seed) => {
        await expectEigen(random(n, seed), n);
      }),
      { numRuns: 30 },
    );
    for (const n of [63, 64, 65, 127, 129, 200]) await expectEigen(random(n, n), n);
  });

  const n = 120;
  const spectra: Record<string, (i: number) => number> = {
    "three values, each many times": (i) => i % 3,
    "one value": () => 2.5,
    "plus and minus one": (i) => (i % 2 === 0 ? 1 : -1),
    "a cluster within rounding": (i) => 1 + 1e-13 * i,
    "two clusters": (i) => (i < 50 ? 1 : 2) + 1e-10 * i,
    "rank 7": (i) => (i < 7 ? 7 - i : 0),
    "forty decades": (i) => 10 ** (-i / 3),
    "one large among tiny ones": (i) => (i === 0 ? 1 : 1e-15 * i),
  };
  for (const [name, spectrum] of Object.entries(spectra)) {
    it(`keeps its accuracy on a spectrum of ${name}`, async () => {
      const wanted = Array.from({ length: n }, (_, i) => spectrum(i));
      const found = await expectEigen(withSpectrum(wanted), n);
      const scale = largest(wanted);
      wanted
        .toSorted((a, b) => b - a)
        .forEach((value, i) =>
          expect(Math.abs((found[i] as number) - value)).toBeLessThan(2e-13 * scale),
        );
    });
  }

  const shapes: Record<string, (i: number, j: number) => number> = {
    zero: () => 0,
    identity: (i, j) => (i === j ? 1 : 0),
    diagonal: (i, j) => (i === j ? Math.sin(i) : 0),
    "all ones": () => 1,
    "Wilkinson's": (i, j) => (i === j ? Math.abs(i - n / 2) : i === j + 1 ? 1 : 0),
    "glued Wilkinson's": (i, j) =>
      i === j ? Math.abs((i % 21) - 10) : i !== j + 1 ? 0 : i % 21 === 0 ? 1e-9 : 1,
    "second differences": (i, j) => (i === j ? 2 : i === j + 1 ? -1 : 0),
    "couplings below rounding": (i, j) => (i === j ? 1 : i === j + 1 ? 1e-18 : 0),
    "Hilbert's": (i, j) => 1 / (i + j + 1),
    "falling over many decades": (i, j) => 10 ** (-(i + j) / 5) * Math.cos(i * j),
    "rising over many decades": (i, j) => 10 ** ((i + j - 2 * n) / 5) * Math.cos(i * j),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    it(`takes the matrix ${name}`, async () => {
      await expectEigen(symmetric(n, shape), n);
    });
  }

  it("takes the smallest and the largest numbers", async () => {
    for (const scale of [1e-290, 1e-160, 1e160, 1e300]) {
      await expectEigen(
        random(50, 1).map((value) => value * scale),
        50,
      );
    }
    // Below the normal range numbers have fewer digits; the vectors are orthogonal all the same.
    const { vectors } = await largeSymmetricEigen(
      random(50, 1).map((value) => value * 1e-312),
      50,
      plainProducts,
    );
    const gram = multiply(transpose(vectors, 50, 50), vectors, 50, 50, 50);
    expect(largest(gram.map((value, at) => value - (at % 51 === 0 ? 1 : 0)))).toBeLessThan(1e-13);
  });

  it("reads the lower triangle only, leaves its input alone, and gives the same bits again", async () => {
    const matrix = random(75, 2);
    const upper = matrix.map((value, at) => (at % 75 > Math.floor(at / 75) ? Number.NaN : value));
    const before = upper.slice();
    const first = await largeSymmetricEigen(upper, 75, plainProducts);
    expect(upper).toEqual(before);
    expect(await largeSymmetricEigen(matrix, 75, plainProducts)).toEqual(first);
  });

  it("gives the first vectors alone where only they are wanted", async () => {
    const matrix = random(130, 4);
    const all = await largeSymmetricEigen(matrix, 130, plainProducts);
    for (const leading of [0, 1, 40]) {
      const some = await largeSymmetricEigen(matrix, 130, plainProducts, leading);
      expect(some.values).toEqual(all.values);
      const wanted = all.vectors.filter((_, at) => at % 130 < leading);
      expect(some.vectors.length).toBe(wanted.length);
      wanted.forEach((value, at) => expect(some.vectors[at]).toBeCloseTo(value, 12));
    }
  });

  it("refuses NaN and infinity", async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const matrix = random(40, 3);
      matrix[41] = bad;
      await expect(largeSymmetricEigen(matrix, 40, plainProducts)).rejects.toThrow(
        "NaN or infinity",
      );
    }
  });
});
