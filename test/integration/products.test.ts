/** The engine's matrix products against plain loops, in both precisions and every arrangement. */
import { describe, expect, it } from "vitest";
import { leadingEigenpairs } from "../../src-main/core/linalg/leading-eigenpairs.ts";
import { largeSymmetricEigen } from "../../src-main/core/linalg/eigen/large.ts";
import { orthonormalise } from "../../src-main/core/linalg/orthonormalise.ts";
import { type Numbers, plainProducts, type Product } from "../../src-main/core/linalg/products.ts";
import { tallSvd } from "../../src-main/core/linalg/tall-svd.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { runtimeProducts } from "../../src-main/engine/products.ts";
import { Runtime } from "../../src-main/engine/runtime.ts";
import { wave } from "../support/wave.ts";

const products = runtimeProducts(new Runtime({ threads: 2 }));
const random = seededRandom(1);
const normals = (count: number) => Float64Array.from({ length: count }, () => random.normal());

async function expectSame<T extends Numbers>(product: Product<T>, digits: number): Promise<void> {
  const wanted = await plainProducts.multiply(product);
  const found = await products.multiply(product);
  expect(found.constructor).toBe(wanted.constructor);
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, at) => expect(found[at]).toBeCloseTo(value, digits));
}

describe("products of the engine", () => {
  it("agree with plain loops, transposed or not, with and without a sum", async () => {
    const [rows, columns, inner] = [7, 5, 9];
    const size = { rows, columns, inner };
    const doubles = { left: normals(rows * inner), right: normals(inner * columns) };
    const plus = normals(rows * columns);
    const singles = {
      left: Float32Array.from(doubles.left),
      right: Float32Array.from(doubles.right),
    };
    for (const transposeLeft of [false, true]) {
      for (const transposeRight of [false, true]) {
        const turned = { ...size, transposeLeft, transposeRight };
        await expectSame({ ...doubles, ...turned }, 12);
        await expectSame({ ...doubles, ...turned, plus }, 12);
        await expectSame({ ...singles, ...turned }, 4);
        await expectSame({ ...singles, ...turned, plus: Float32Array.from(plus) }, 4);
      }
    }
  });

  it("write into given memory, and take parts of other arrays", async () => {
    const left = normals(30).subarray(6, 18);
    const right = normals(12);
    const memory = new Float64Array(20).fill(-1);
    const into = memory.subarray(2, 18);
    const product = { left, right, rows: 4, columns: 4, inner: 3 };
    expect(await products.multiply({ ...product, into })).toBe(into);
    expect(into).toEqual(await products.multiply(product));
    expect([memory[1], memory[18]]).toEqual([-1, -1]);
  });

  it("of nothing are zero, or what is added", async () => {
    const nothing = { left: new Float32Array(0), right: new Float32Array(0), inner: 0 };
    const empty = await products.multiply({ ...nothing, rows: 0, columns: 3 });
    expect(empty.length).toBe(0);
    const into = Float32Array.of(7, 7);
    const size = { rows: 1, columns: 2 };
    expect(await products.multiply({ ...nothing, ...size, into })).toEqual(Float32Array.of(0, 0));
    const plus = Float32Array.of(3, 4);
    expect(await products.multiply({ ...nothing, ...size, plus })).toEqual(plus);
  });

  it("refuse operands of other sizes by their numbers", async () => {
    const left = new Float32Array(6);
    const product = { left, right: left, rows: 2, columns: 2, inner: 4 };
    await expect(products.multiply(product)).rejects.toThrow("[2, 4] x [4, 2] of 6 and 6 numbers");
  });

  it("carry eigenproblems to the same values as plain loops", async () => {
    const n = 150;
    const half = wave(n, n, 3);
    const matrix = half.map((value, at) => value + (half[(at % n) * n + Math.floor(at / n)] ?? 0));
    const [a, b] = [
      await largeSymmetricEigen(matrix, n, products),
      await largeSymmetricEigen(matrix, n, plainProducts),
    ];
    b.values.forEach((value, i) => expect(a.values[i]).toBeCloseTo(value, 11));
    const size = 1200;
    const x = Float32Array.from(wave(size, 90, 5), (value, at) => value * 0.9 ** (at % 90));
    const gram = await products.multiply({
      left: x,
      right: x,
      rows: size,
      columns: size,
      inner: 90,
      transposeRight: true,
    });
    const narrow = await products.multiply({
      left: Float64Array.from(x),
      right: Float64Array.from(x),
      rows: 90,
      columns: 90,
      inner: size,
      transposeLeft: true,
    });
    const pairs = await leadingEigenpairs(gram, size, 25, products, 1);
    const { values } = await largeSymmetricEigen(narrow, 90, products);
    expect(pairs.count).toBe(25);
    pairs.values.forEach((value, i) =>
      expect(Math.abs(value / (values[i] as number) - 1)).toBeLessThan(1e-4),
    );
  });

  it("find the singular values of what is too wide for an eigenproblem", async () => {
    const [rows, columns, rank, wanted] = [2300, 2100, 24, 12];
    const basis = (length: number, seed: number) =>
      orthonormalise(
        Float32Array.from(wave(length, rank, seed)),
        { as: "columns", count: rank, length },
        products,
      );
    const left = (await basis(rows, 5)).map((value, at) => value * 0.8 ** (at % rank));
    const right = await basis(columns, 7);
    const size = { rows, columns, inner: rank, transposeRight: true };
    const values = await products.multiply({ left, right, ...size });
    const found = await tallSvd({ values, rows, columns }, wanted, products);
    expect(found.count).toBe(wanted);
    found.values.forEach((value, i) => expect(value).toBeCloseTo(0.8 ** i, 5));
    const images = await products.multiply({
      left: values,
      right: found.right,
      rows,
      columns: wanted,
      inner: columns,
    });
    images.forEach((value, at) => {
      const wantedImage = (found.values[at % wanted] as number) * (found.left[at] as number);
      expect(Math.abs(value - wantedImage)).toBeLessThan(1e-5);
    });
  });
});
