/** A growing basis in which each block is what the matrix makes of the block before: block Lanczos, kept orthogonal. */
import type { Random } from "../tensor/random.ts";
import { largeSymmetricEigen } from "./eigen/large.ts";
import { orthonormalise } from "./orthonormalise.ts";
import type { Products } from "./products.ts";

export interface Ritz {
  /** Approximate eigenvalues, descending. */
  readonly values: Float64Array;
  /** `[size of the basis, count]`: what each basis vector contributes to each eigenvector. */
  readonly weights: Float32Array;
  /** `|A x - value x|` of each. */
  readonly residuals: Float64Array;
}

/** What float32 products leave of a vector that should be zero, as a share of the largest. */
const rounding = 1e-6;

interface KrylovOptions {
  /** Symmetric, `[length, length]`. */
  readonly matrix: Float32Array;
  readonly length: number;
  /** What the matrix is multiplied with, so that squares of its numbers stay in range. */
  readonly scale: number;
  readonly block: number;
  /** The most vectors that the basis will hold. */
  readonly capacity: number;
  readonly random: Random;
  readonly products: Products;
  /** Orthonormal rows that all vectors are kept orthogonal to. */
  readonly besides?: Float32Array;
}

export class KrylovBasis {
  readonly #options: KrylovOptions;
  /** Orthonormal rows: the given ones, then the basis. */
  readonly #rows: Float32Array;
  readonly #given: number;
  #used: number;
  /** The lower triangle of the projected matrix, by blocks of rows. */
  readonly #projected: Float32Array[] = [];
  /** Squared length of the longest image so far. */
  #largest = 0;
  /** What the matrix made of the last block beyond the basis. */
  #rest: Float32Array;

  constructor(options: KrylovOptions) {
    const { length, block, capacity, besides } = options;
    this.#options = options;
    this.#rows = new Float32Array((besides?.length ?? 0) + capacity * length);
    if (besides !== undefined) this.#rows.set(besides);
    this.#given = (besides?.length ?? 0) / length;
    this.#used = this.#given;
    this.#rest = new Float32Array(block * length);
  }

  get size(): number {
    return this.#used - this.#given;
  }

  get full(): boolean {
    return this.size + this.#options.block > this.#options.capacity;
  }

  /** Whatever comes next has nothing to do with what came before. */
  restart(): void {
    this.#rest = scaled(this.#rest, 0);
  }

  async grow(): Promise<void> {
    const { matrix, length, scale, block, products } = this.#options;
    const next = await this.#normalised(await this.#filled(await this.#normalised(this.#rest)));
    this.#rows.set(next, this.#used * length);
    this.#used += block;
    const image = await products.multiply({
      left: scaled(next, scale),
      right: matrix,
      rows: block,
      columns: length,
      inner: length,
    });
    const { shares, rest } = await this.#separate(image);
    this.#projected.push(shares);
    // Once more: the first pass leaves rounding of the size of what it took away.
    this.#rest = (await this.#separate(rest)).rest;
    this.#dropRounding(image);
  }

  /** Rows of the rest that are rounding alone would point anywhere, the basis included. */
  #dropRounding(image: Float32Array): void {
    const { length, block } = this.#options;
    for (let i = 0; i < block; i++)
      this.#largest = Math.max(this.#largest, square(image, i, length));
    for (let i = 0; i < block; i++) {
      if (square(this.#rest, i, length) > rounding ** 2 * this.#largest) continue;
      this.#rest.fill(0, i * length, (i + 1) * length);
    }
  }

  /** Parts of a block's rows in the basis, `[block, used]`, and what is left of them. */
  async #separate(rows: Float32Array): Promise<{ shares: Float32Array; rest: Float32Array }> {
    const { length, block, products } = this.#options;
    const basis = this.#rows.subarray(0, this.#used * length);
    const shares = await products.multiply({
      left: rows,
      right: basis,
      rows: block,
      columns: this.#used,
      inner: length,
      transposeRight: true,
    });
    const rest = await products.multiply({
      left: scaled(shares, -1),
      right: basis,
      rows: block,
      columns: length,
      inner: this.#used,
      plus: rows,
    });
    return { shares, rest };
  }

  #normalised(rows: Float32Array): Promise<Float32Array> {
    const { length, block, products } = this.#options;
    return orthonormalise(rows, { as: "rows", count: block, length }, products);
  }

  /** Random rows in place of those that came to nothing, all of them orthogonal to the basis. */
  async #filled(rows: Float32Array): Promise<Float32Array> {
    const { length, block, random } = this.#options;
    for (let i = 0; i < block; i++) {
      const row = rows.subarray(i * length, (i + 1) * length);
      if (row.some((value) => value !== 0)) continue;
      const scale = 1 / Math.sqrt(length);
      for (let j = 0; j < length; j++) row[j] = scale * random.normal();
    }
    return (await this.#separate(rows)).rest;
  }

  /** The matrix as the basis sees it: the `count` largest eigenvalues. */
  async ritz(count: number): Promise<Ritz> {
    const { length, scale, block, products } = this.#options;
    const { size } = this;
    const projected = new Float64Array(size * size);
    this.#projected.forEach((shares, index) => {
      const width = this.#given + (index + 1) * block;
      for (let i = 0; i < block; i++) {
        const to = (index * block + i) * size - this.#given;
        for (let j = this.#given; j < width; j++)
          projected[to + j] = shares[i * width + j] as number;
      }
    });
    const { values, vectors } = await largeSymmetricEigen(projected, size, products, count);
    const beyond = await products.multiply({
      left: this.#rest,
      right: this.#rest,
      rows: block,
      columns: block,
      inner: length,
      transposeRight: true,
    });
    // Only what the matrix makes of the last block leaves the basis.
    const last = vectors.subarray((size - block) * count);
    const residuals = Float64Array.from({ length: count }, (_, column) => {
      let sum = 0;
      for (let i = 0; i < block; i++) {
        for (let j = 0; j < block; j++) {
          sum +=
            (last[i * count + column] as number) *
            (beyond[i * block + j] as number) *
            (last[j * count + column] as number);
        }
      }
      return Math.sqrt(Math.max(0, sum)) / scale;
    });
    return {
      values: values.subarray(0, count).map((value) => value / scale),
      weights: Float32Array.from(vectors),
      residuals,
    };
  }

  /** `[count, length]`: one vector a row. */
  combine(weights: Float32Array): Promise<Float32Array> {
    const { length, products } = this.#options;
    return products.multiply({
      left: weights,
      right: this.#rows.subarray(this.#given * length, this.#used * length),
      rows: weights.length / this.size,
      columns: length,
      inner: this.size,
      transposeLeft: true,
    });
  }
}

function square(rows: Float32Array, row: number, length: number): number {
  let sum = 0;
  for (let i = row * length; i < (row + 1) * length; i++) sum += (rows[i] as number) ** 2;
  return sum;
}

function scaled(values: Float32Array, factor: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = factor * (values[i] as number);
  return result;
}
