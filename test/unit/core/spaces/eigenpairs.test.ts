/** Leading eigenpairs of a matrix with a known spectrum. */
import { describe, expect, it } from "vitest";
import { leadingEigenpairs, orthonormalise } from "../../../../src-main/core/spaces/eigenpairs.ts";
import { plainProducts } from "../../../../src-main/core/linalg/products.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";

const size = 420;

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

describe("leadingEigenpairs", () => {
  it("finds a spectrum that falls over four decades", async () => {
    const values = Array.from({ length: size }, (_, i) => 100 * (i + 1) ** -1.6);
    const pairs = await leadingEigenpairs(withSpectrum(values), size, 60, plainProducts, 1);
    expect(pairs.count).toBe(60);
    const sum = (list: ArrayLike<number>) =>
      Array.from(list).reduce((total, value) => total + value, 0);
    expect(sum(pairs.values) / sum(values.slice(0, 60))).toBeCloseTo(1, 3);
    expect((pairs.values[59] as number) / (values[59] as number)).toBeCloseTo(1, 1);
  });

  it("gives only as many pairs as the rank has", async () => {
    const pairs = await leadingEigenpairs(
      withSpectrum([5, 4, 3, 2, 1]),
      size,
      20,
      plainProducts,
      1,
    );
    expect(Array.from(pairs.values)).toEqual(
      [5, 4, 3, 2, 1].map((value) => expect.closeTo(value, 3)),
    );
  });
});

describe("orthonormalise", () => {
  it("survives columns that nearly repeat each other", async () => {
    const random = seededRandom(9);
    const rows = 50;
    const width = 6;
    const shared = Float64Array.from({ length: rows }, () => random.normal());
    const columns = Float32Array.from(
      { length: rows * width },
      (_, at) => 1000 * (shared[Math.floor(at / width)] as number) + random.normal(),
    );
    const basis = await orthonormalise(columns, rows, width, plainProducts);
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        let dot = 0;
        for (let i = 0; i < rows; i++)
          dot += (basis[i * width + a] as number) * (basis[i * width + b] as number);
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 4);
      }
    }
  });
});
