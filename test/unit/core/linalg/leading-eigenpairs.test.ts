/** The leading eigenpairs of matrices with known spectra, falling, flat, repeated and short. */
import { describe, expect, it } from "vitest";
import {
  type Eigenpairs,
  leadingEigenpairs,
} from "../../../../src-main/core/linalg/leading-eigenpairs.ts";
import { orthonormalise } from "../../../../src-main/core/linalg/orthonormalise.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";
import { falling, largeReferences } from "../../../support/wave.ts";

/** Beyond the size up to which the whole problem is solved. */
const size = 560;

/** `Q diag(values) Qᵀ` with Q a product of Householder reflections: its spectrum is what was put in. */
function withSpectrum(values: readonly number[]): Float32Array {
  const random = seededRandom(3);
  let matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = values[i] ?? 0;
  for (let turn = 0; turn < 3; turn++) {
    const v = Float64Array.from({ length: size }, () => random.normal());
    const scale = 2 / v.reduce((sum, x) => sum + x * x, 0);
    for (const side of [0, 1]) {
      const next = Float64Array.from(matrix);
      for (let j = 0; j < size; j++) {
        const at = (i: number) => (side === 0 ? i * size + j : j * size + i);
        let dot = 0;
        for (let i = 0; i < size; i++) dot += (v[i] as number) * (matrix[at(i)] as number);
        for (let i = 0; i < size; i++)
          next[at(i)] = (matrix[at(i)] as number) - scale * dot * (v[i] as number);
      }
      matrix = next;
    }
  }
  return Float32Array.from(matrix);
}

function column({ vectors, count }: Eigenpairs, at: number): Float64Array {
  return Float64Array.from(
    { length: vectors.length / count },
    (_, i) => vectors[i * count + at] as number,
  );
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** Pairs of the matrix, with orthonormal vectors and these values, to rounding of float32 beside the largest. */
function expectPairs(
  matrix: Float32Array,
  n: number,
  pairs: Eigenpairs,
  values: readonly number[],
): void {
  const largest = values[0] as number;
  expect(pairs.count).toBe(values.length);
  expect(pairs.values.length).toBe(values.length);
  values.forEach((value, i) =>
    expect(Math.abs((pairs.values[i] as number) - value)).toBeLessThan(5e-6 * largest),
  );
  const columns = values.map((_, i) => column(pairs, i));
  columns.forEach((vector, a) => {
    for (const [b, other] of columns.entries()) {
      expect(Math.abs(dot(vector, other) - (a === b ? 1 : 0))).toBeLessThan(1e-5);
    }
    const image = Float64Array.from({ length: n }, (_, i) =>
      vector.reduce((sum, x, j) => sum + (matrix[i * n + j] as number) * x, 0),
    );
    const off = image.map((x, i) => x - (pairs.values[a] as number) * (vector[i] as number));
    expect(Math.sqrt(dot(off, off))).toBeLessThan(2e-3 * largest);
  });
}

describe("leadingEigenpairs", () => {
  it("finds numpy's values of a Gram matrix, below the size of the direct way", async () => {
    const { size: n, columns, ratio, values } = largeReferences.leading;
    const x = falling(n, columns, 5, ratio);
    const product = { left: x, right: x, rows: n, columns: n, inner: columns };
    const gram = await plainProducts.multiply({ ...product, transposeRight: true });
    expectPairs(gram, n, await leadingEigenpairs(gram, n, values.length, plainProducts, 1), values);
  });

  const spectra: Record<string, (i: number) => number> = {
    "that falls over many decades": (i) => 100 * (i + 1) ** -1.6,
    "that falls slowly": (i) => (i + 1) ** -0.7,
    "that falls fast": (i) => Math.exp(-i / 4),
    "of two values, each more often than a block is wide": (i) => (i < 40 ? 3 : 1),
    "of one value": () => 2,
    "of tiny values": (i) => 1e-30 / (i + 1),
    "of huge values": (i) => 1e30 / (i + 1),
  };
  for (const [name, spectrum] of Object.entries(spectra)) {
    it(`finds a spectrum ${name}`, async () => {
      const values = Array.from({ length: size }, (_, i) => spectrum(i));
      const matrix = withSpectrum(values);
      for (const wanted of [1, 30]) {
        const pairs = await leadingEigenpairs(matrix, size, wanted, plainProducts, 1);
        const kept = values
          .slice(0, wanted)
          .filter((value) => value > 1e-6 * (values[0] as number));
        expectPairs(matrix, size, pairs, kept);
      }
    });
  }

  it("gives only as many pairs as the rank has", async () => {
    const values = [5, 4, 3, 2, 1];
    const matrix = withSpectrum(values);
    expectPairs(matrix, size, await leadingEigenpairs(matrix, size, 20, plainProducts, 1), values);
    const nothing = new Float32Array(size * size);
    const none = await leadingEigenpairs(nothing, size, 20, plainProducts, 1);
    expect([none.count, none.values.length, none.vectors.length]).toEqual([0, 0, 0]);
  });

  it("takes all pairs of small matrices, and more than there are", async () => {
    const matrix = Float32Array.of(2, 1, 0, 1, 2, 0, 0, 0, 5);
    expectPairs(matrix, 3, await leadingEigenpairs(matrix, 3, 7, plainProducts, 1), [5, 3, 1]);
    expectPairs(
      Float32Array.of(4),
      1,
      await leadingEigenpairs(Float32Array.of(4), 1, 1, plainProducts, 1),
      [4],
    );
  });

  it("gives the same bits for the same seed", async () => {
    const matrix = withSpectrum(Array.from({ length: size }, (_, i) => 1 / (i + 1)));
    const [a, b] = [
      await leadingEigenpairs(matrix, size, 12, plainProducts, 4),
      await leadingEigenpairs(matrix, size, 12, plainProducts, 4),
    ];
    expect(a).toEqual(b);
  });
});

describe("orthonormalise", () => {
  const [length, count] = [50, 6];
  const random = seededRandom(9);
  const shared = Float64Array.from({ length }, () => random.normal());
  const nearlySame = Float32Array.from(
    { length: length * count },
    (_, at) => 1000 * (shared[Math.floor(at / count)] as number) + random.normal(),
  );
  const gramOf = (basis: Float32Array, columns: boolean): Promise<Float32Array> =>
    plainProducts.multiply({
      left: basis,
      right: basis,
      rows: count,
      columns: count,
      inner: length,
      transposeLeft: columns,
      transposeRight: !columns,
    });

  it("survives vectors that nearly repeat each other, in columns or in rows", async () => {
    const rows = nearlySame.map(
      (_, at) => nearlySame[(at % length) * count + Math.floor(at / length)] ?? 0,
    );
    for (const as of ["columns", "rows"] as const) {
      const given = as === "columns" ? nearlySame : rows;
      const basis = await orthonormalise(given, { as, count, length }, plainProducts);
      (await gramOf(basis, as === "columns")).forEach((value, at) =>
        expect(value).toBeCloseTo(at % (count + 1) === 0 ? 1 : 0, 4),
      );
    }
  });

  it("makes vectors zero that add nothing", async () => {
    const repeated = nearlySame.map((value, at) =>
      at % count === 3 ? (nearlySame[at - 1] ?? 0) : value,
    );
    const basis = await orthonormalise(repeated, { as: "columns", count, length }, plainProducts);
    const gram = await gramOf(basis, true);
    const lengths = Array.from({ length: count }, (_, i) => gram[i * (count + 1)]);
    expect(lengths.filter((value) => value === 0).length).toBe(1);
  });
});
