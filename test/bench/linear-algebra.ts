/** Linear algebra of spaces on the engine, beside LAPACK through numpy and scipy: turn about, on the same matrices. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { largeSymmetricEigen } from "../../src-main/core/linalg/eigen/large.ts";
import { leadingEigenpairs } from "../../src-main/core/linalg/leading-eigenpairs.ts";
import type { Numbers, Products } from "../../src-main/core/linalg/products.ts";
import { ridgeRegression } from "../../src-main/core/linalg/ridge.ts";
import { tallSvd } from "../../src-main/core/linalg/tall-svd.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { runtimeProducts } from "../../src-main/engine/products.ts";
import { Runtime } from "../../src-main/engine/runtime.ts";
import { type Measured, Peer } from "./peers/linear-algebra.ts";
import type { BenchContext, BenchResult } from "./types.ts";

interface Case {
  readonly name: string;
  /** The peer's arguments after the file. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly peer: string;
  /** Our time by the peer's, at most. */
  readonly limit: number;
  /** How far values may be from the peer's, beside the largest. */
  readonly accuracy: number;
  readonly conditions: string;
  make(products: Products): Promise<Numbers>;
  run(given: Numbers, products: Products): Promise<ArrayLike<number>>;
}

const cases: readonly Case[] = [
  {
    name: "eigen-1000",
    sizes: [1000],
    rounds: 9,
    peer: "numpy.linalg.eigh",
    limit: 4,
    accuracy: 1e-12,
    conditions: "all values and vectors of a random symmetric 1,000 x 1,000 matrix, float64",
    make: () => Promise.resolve(symmetric(1000)),
    async run(given, products) {
      return (await largeSymmetricEigen(Float64Array.from(given), 1000, products)).values;
    },
  },
  {
    name: "leading-512-of-4096",
    sizes: [4096, 512],
    rounds: 2,
    peer: "scipy.linalg.eigh(subset_by_index)",
    limit: 1,
    accuracy: 1e-5,
    conditions: "512 leading pairs of a 4,096 x 4,096 Gram matrix, float32",
    make: async (products) => gram(falling(4096, 1500), 4096, 1500, products),
    async run(given, products) {
      return (await leadingEigenpairs(singles(given), 4096, 512, products, 1)).values;
    },
  },
  {
    name: "svd-20000x512",
    sizes: [20_000, 512],
    rounds: 2,
    peer: "numpy.linalg.svd(full_matrices=False)",
    limit: 1,
    accuracy: 1e-5,
    conditions: "values and vectors of both sides of a 20,000 x 512 matrix, float32",
    make: () => Promise.resolve(falling(20_000, 512)),
    async run(given, products) {
      const matrix = { values: singles(given), rows: 20_000, columns: 512 };
      return (await tallSvd(matrix, 512, products)).values;
    },
  },
  {
    name: "ridge-20000x1000",
    sizes: [20_000, 1000, 64],
    rounds: 3,
    peer: "numpy and scipy.linalg.solve, float64",
    limit: 2,
    accuracy: 1e-9,
    conditions: "20,000 rows of 1,000 inputs and 64 targets, float32, sums in float64",
    make: () => Promise.resolve(falling(20_000, 1064)),
    run(given, products) {
      const [inputs, targets] = [part(given, 1064, 0, 1000), part(given, 1064, 1000, 1064)];
      return ridgeRegression({ inputs, targets, rows: 20_000, alpha: 1 }, products);
    },
  },
];

/** Too large for LAPACK to wait for. */
const large = { size: 10_000, rank: 1200, wanted: 512, seconds: 20 };

export async function linearAlgebra({ python }: BenchContext): Promise<BenchResult[]> {
  const products = runtimeProducts(new Runtime({ threads: availableParallelism() }));
  const results: BenchResult[] = [];
  for (const one of cases) results.push(await compare(one, products, python));
  results.push(await measureLarge(products));
  return results;
}

async function compare(one: Case, products: Products, python: string | null): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  const path = join(folder, "matrix");
  try {
    const given = await one.make(products);
    writeFileSync(path, given);
    await using peer = python === null ? null : new Peer(python, [one.name, path, ...one.sizes]);
    const ours: Measured[] = [];
    const theirs: Measured[] = [];
    // The first round warms both up; then the best of each, since the machine's speed drifts.
    for (let round = 0; round <= one.rounds; round++) {
      const started = performance.now();
      const values = await one.run(given, products);
      const seconds = (performance.now() - started) / 1000;
      const found = await peer?.measure();
      if (round === 0) continue;
      ours.push({ seconds, values: Array.from(values) });
      if (found !== undefined) theirs.push(found);
    }
    const best = (list: readonly Measured[]) => Math.min(...list.map(({ seconds }) => seconds));
    const ratio = best(ours) / best(theirs);
    const distance = farthest(ours[0]?.values ?? [], theirs[0]?.values ?? []);
    const common = {
      name: `linear-algebra.${one.name}`,
      value: best(ours) * 1000,
      unit: "ms",
      target: `<= ${String(one.limit)} x peer, values within ${String(one.accuracy)}`,
    };
    const conditions = `${one.conditions}; best of ${String(one.rounds)} rounds, turn about`;
    if (peer === null) return { ...common, ok: true, conditions };
    return {
      ...common,
      ok: ratio <= one.limit && distance <= one.accuracy,
      peer: one.peer,
      ratio,
      conditions: `${conditions}; values differ by ${distance.toExponential(1)} of the largest`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Held against the small Gram matrix of the same factor. */
async function measureLarge(products: Products): Promise<BenchResult> {
  const { size, rank, wanted } = large;
  const factor = falling(size, rank);
  const matrix = await gram(factor, size, rank, products);
  const started = performance.now();
  const { values } = await leadingEigenpairs(matrix, size, wanted, products, 1);
  const seconds = (performance.now() - started) / 1000;
  const wide = Float64Array.from(factor);
  const turned = { left: wide, right: wide, rows: rank, columns: rank, inner: size };
  const small = await products.multiply({ ...turned, transposeLeft: true });
  const exact = await largeSymmetricEigen(small, rank, products);
  const distance = farthest(Array.from(values), Array.from(exact.values.subarray(0, wanted)));
  return {
    name: "linear-algebra.leading-512-of-10000",
    value: seconds,
    unit: "s",
    target: `< ${String(large.seconds)}, values within 1e-5`,
    ok: seconds < large.seconds && distance < 1e-5,
    conditions: `512 leading pairs of a 10,000 x 10,000 Gram matrix, float32; values differ by ${distance.toExponential(1)} of the largest from a float64 problem of 1,200`,
  };
}

function farthest(a: readonly number[], b: readonly number[]): number {
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return b.reduce((most, value, i) => Math.max(most, Math.abs(value - (a[i] ?? 0)) / scale), 0);
}

function symmetric(n: number): Float64Array {
  const random = seededRandom(1);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      matrix[i * n + j] = random.normal();
      matrix[j * n + i] = matrix[i * n + j] as number;
    }
  }
  return matrix;
}

/** Columns of falling weight, as members of a space have along its components. */
function falling(rows: number, columns: number): Float32Array {
  const random = seededRandom(1);
  const weights = Float64Array.from({ length: columns }, (_, j) => (1 + j) ** -0.7);
  return Float32Array.from(
    { length: rows * columns },
    (_, at) => (weights[at % columns] as number) * random.normal(),
  );
}

function gram(
  factor: Float32Array,
  rows: number,
  columns: number,
  products: Products,
): Promise<Float32Array> {
  const size = { rows, columns: rows, inner: columns };
  return products.multiply({ left: factor, right: factor, ...size, transposeRight: true });
}

function singles(values: Numbers): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function part(values: Numbers, width: number, from: number, to: number): Float32Array {
  const rows = values.length / width;
  const result = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) {
    result.set(values.subarray(row * width + from, row * width + to), row * (to - from));
  }
  return result;
}
