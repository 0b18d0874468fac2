/** What is built on products of large matrices, held against numpy and against the definitions. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addGram, tallProducts } from "../../../../src-main/core/linalg/large-gram.ts";
import { multiply, transpose } from "../../../../src-main/core/linalg/multiply.ts";
import { inverseCholesky, solvePositive } from "../../../../src-main/core/linalg/positive.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { findRange } from "../../../../src-main/core/linalg/range-finder.ts";
import { ridgeRegression } from "../../../../src-main/core/linalg/ridge.ts";
import { type TallSvd, tallSvd } from "../../../../src-main/core/linalg/tall-svd.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { distance, matrixOf, normals, skewness, times, turned } from "../../../support/dense.ts";
import { falling, largeReferences } from "../../../support/wave.ts";

const random = (seed: number, count: number) => normals(seededRandom(seed), count);

describe("Gram matrices of large factors", () => {
  it("adds blocks of float32 rows", async () => {
    const [count, width] = [515, 3];
    const rows = random(1, count * width);
    const gram = new Float32Array(count * count).fill(1);
    await addGram(gram, rows, count, plainProducts);
    const dense = matrixOf(rows, count, width);
    const wanted = times(dense, turned(dense)).map((row) => row.map((value) => value + 1));
    expect(distance(matrixOf(gram, count, count), wanted)).toBeLessThan(1e-6);
  });

  it("sums tall products in float64, across slices", async () => {
    const rows = 2100;
    const [a, b] = [random(1, rows * 4), random(2, rows * 3)];
    const [tallA, tallB] = [matrixOf(a, rows, 4), matrixOf(b, rows, 3)];
    const [cross = [], gram = []] = await tallProducts(a, [b, a], rows, plainProducts);
    expect(distance(matrixOf(cross, 4, 3), times(turned(tallA), tallB))).toBeLessThan(1e-14);
    expect(distance(matrixOf(gram, 4, 4), times(turned(tallA), tallA))).toBeLessThan(1e-14);
  });
});

function positive(n: number, seed: number): Float64Array {
  const x = Float64Array.from(random(seed, n * n));
  const gram = multiply(x, transpose(x, n, n), n, n, n);
  for (let i = 0; i < n; i++) gram[i * (n + 1)] = (gram[i * (n + 1)] as number) + n / 10;
  return gram;
}

describe("inverseCholesky", () => {
  it("is the lower triangular inverse root at every size around its halves", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 150 }), fc.nat(), async (n, seed) => {
        const matrix = positive(n, seed);
        const inverse = await inverseCholesky(matrix, n, 0, plainProducts);
        for (let i = 0; i < n; i++) {
          for (let j = i + 1; j < n; j++) expect(inverse[i * n + j]).toBe(0);
        }
        const left = multiply(inverse, matrix, n, n, n);
        const whole = multiply(left, transpose(inverse, n, n), n, n, n);
        whole.forEach((value, at) => expect(value).toBeCloseTo(at % (n + 1) === 0 ? 1 : 0, 10));
      }),
      { numRuns: 12 },
    );
  });

  it("leaves out what is not above the floor", async () => {
    for (const n of [5, 90]) {
      const matrix = positive(n, 3);
      // The fourth row and column repeat the second.
      for (let i = 0; i < n; i++) {
        const from = i === 3 ? 1 : i;
        matrix[i * n + 3] = matrix[from * n + 1] as number;
        matrix[3 * n + i] = matrix[n + from] as number;
      }
      const inverse = await inverseCholesky(matrix, n, 1e-9, plainProducts);
      expect(inverse.subarray(3 * n, 4 * n)).toEqual(new Float64Array(n));
      expect(inverse.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("solvePositive", () => {
  it("solves for many right-hand sides, and reads the lower triangle only", async () => {
    for (const n of [1, 2, 70, 131]) {
      const matrix = positive(n, n);
      const x = Float64Array.from(random(7, n * 3));
      const right = multiply(matrix, x, n, n, 3);
      const lower = matrix.map((value, at) => (at % n > Math.floor(at / n) ? Number.NaN : value));
      const found = await solvePositive(
        lower,
        right,
        { size: n, columns: 3, ridge: 0 },
        plainProducts,
      );
      found.forEach((value, at) => expect(value).toBeCloseTo(x[at] as number, 9));
    }
  });

  it("shares weight among repeated columns through the ridge", async () => {
    const found = await solvePositive(
      Float64Array.of(1, 1, 1, 1),
      Float64Array.of(2, 2),
      { size: 2, columns: 1, ridge: 1e-9 },
      plainProducts,
    );
    expect(found[0]).toBeCloseTo(1, 5);
    expect(found[1]).toBeCloseTo(1, 5);
  });
});

describe("ridgeRegression", () => {
  it("finds numpy's weights", async () => {
    const { rows, columns, targets, ratio, alpha, weights } = largeReferences.ridge;
    const found = await ridgeRegression(
      {
        inputs: falling(rows, columns, 11, ratio),
        targets: falling(rows, targets, 13, 1),
        rows,
        alpha,
      },
      plainProducts,
    );
    expect(found.length).toBe(weights.length);
    weights.forEach((weight, at) => expect(found[at]).toBeCloseTo(weight, 12));
  });

  it("takes more columns than rows, one of each, and zero inputs", async () => {
    const wide = await ridgeRegression(
      { inputs: random(1, 5 * 12), targets: random(2, 5), rows: 5, alpha: 1e-3 },
      plainProducts,
    );
    const fitted = times(matrixOf(random(1, 60), 5, 12), matrixOf(wide, 12, 1)).flat();
    fitted.forEach((value, i) => expect(value).toBeCloseTo(random(2, 5)[i] as number, 2));
    const one = { inputs: Float32Array.of(2), targets: Float32Array.of(6), rows: 1 };
    expect([...(await ridgeRegression({ ...one, alpha: 0 }, plainProducts))]).toEqual([3]);
    const zero = { ...one, inputs: Float32Array.of(0) };
    expect([...(await ridgeRegression({ ...zero, alpha: 0 }, plainProducts))]).toEqual([0]);
  });

  it("refuses NaN by name", async () => {
    const inputs = Float32Array.of(1, Number.NaN);
    await expect(
      ridgeRegression({ inputs, targets: inputs, rows: 2, alpha: 1 }, plainProducts),
    ).rejects.toThrow("2 x 1 inputs or their targets hold NaN");
  });
});

describe("findRange", () => {
  it("holds what a matrix of low rank does, in orthonormal columns", async () => {
    const [rows, columns, rank] = [60, 45, 5];
    const dense = times(
      matrixOf(random(1, rows * rank), rows, rank),
      matrixOf(random(2, rank * columns), rank, columns),
    );
    const values = Float32Array.from(dense.flat());
    const range = await findRange({ values, rows, columns }, rank, 1, 3, plainProducts);
    const basis = matrixOf(range, rows, rank);
    expect(skewness(basis)).toBeLessThan(1e-5);
    expect(distance(times(basis, times(turned(basis), dense)), dense)).toBeLessThan(1e-5);
  });
});

function expectSvd(found: TallSvd, values: Float32Array, rows: number, columns: number): void {
  const { count } = found;
  const left = matrixOf(found.left, rows, count);
  const right = matrixOf(found.right, columns, count);
  expect(skewness(left)).toBeLessThan(1e-5);
  expect(skewness(right)).toBeLessThan(1e-5);
  const scaled = left.map((row) => row.map((x, j) => x * (found.values[j] as number)));
  expect(distance(times(scaled, turned(right)), matrixOf(values, rows, columns))).toBeLessThan(
    2e-6,
  );
}

describe("tallSvd", () => {
  it("finds numpy's singular values and rebuilds the matrix, tall or wide", async () => {
    for (const { rows, columns, ratio, values } of largeReferences.tall) {
      const matrix = falling(rows, columns, 7, ratio);
      const kept = values.filter((value) => value > 1e-6 * (values[0] as number));
      const wide = { values: transpose(matrix, rows, columns), rows: columns, columns: rows };
      for (const given of [{ values: matrix, rows, columns }, wide]) {
        const found = await tallSvd(given, columns, plainProducts);
        expect(found.count).toBe(kept.length);
        kept.forEach((value, i) =>
          expect(Math.abs((found.values[i] as number) - value)).toBeLessThan(
            1e-7 * (values[0] as number),
          ),
        );
        expectSvd(found, given.values, given.rows, given.columns);
      }
    }
  });

  it("gives as many as are wanted, and no more than the rank", async () => {
    const matrix = { values: falling(80, 12, 7, 0.9), rows: 80, columns: 12 };
    const all = await tallSvd(matrix, 12, plainProducts);
    const three = await tallSvd(matrix, 3, plainProducts);
    expect(three.count).toBe(3);
    three.values.forEach((value, i) => expect(value).toBeCloseTo(all.values[i] as number, 10));
    const dense = times(matrixOf(random(1, 90), 45, 2), matrixOf(random(2, 18), 2, 9));
    const flat = Float32Array.from(dense.flat());
    const low = await tallSvd({ values: flat, rows: 45, columns: 9 }, 9, plainProducts);
    expect(low.count).toBe(2);
    expectSvd(low, flat, 45, 9);
    const zero = { values: new Float32Array(12), rows: 4, columns: 3 };
    expect((await tallSvd(zero, 3, plainProducts)).count).toBe(0);
  });

  it("takes the smallest and the largest numbers", async () => {
    for (const scale of [1e-30, 1e30]) {
      const values = falling(70, 8, 7, 0.8).map((value) => value * scale);
      expectSvd(await tallSvd({ values, rows: 70, columns: 8 }, 8, plainProducts), values, 70, 8);
    }
  });
});
