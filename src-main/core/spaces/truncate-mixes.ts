/** Many weighted mixes of the same factors, each cut to a low rank, without forming a product. */
import { transpose } from "../linalg/multiply.ts";
import { orthonormalise } from "../linalg/orthonormalise.ts";
import { truncateProduct } from "../lora/truncate.ts";
import { seededRandom } from "../tensor/random.ts";
import type { Products } from "../linalg/products.ts";

export interface StackedFactors {
  /** `[stack, columns]`. */
  readonly downs: Float32Array;
  /** `[stack, out]`: every up transposed. */
  readonly ups: Float32Array;
  readonly stack: number;
  readonly columns: number;
  readonly out: number;
}

export interface Truncated {
  /** `[out, rank]` and `[rank, columns]`. */
  readonly up: Float32Array;
  readonly down: Float32Array;
}

/** Extra directions of the randomized range finder (Halko, Martinsson and Tropp 2011, section 4.3). */
const oversampling = 8;
/** Mixes that share one product: bounds the scaled copies to `stack * width * batch` numbers. */
const batchNumbers = 8 * 1024 * 1024;

/**
 * Mix j is `sum_i weights[i, j] · ups_iᵀ · downs_i`, cut to `rank` by a randomized SVD with one power
 * iteration (Halko et al. 2011, algorithm 4.4); exact where the stack is no taller than the sketch.
 *
 * @param weights `[stack, mixes]`.
 */
export async function truncateMixes(
  factors: StackedFactors,
  weights: Float32Array,
  mixes: number,
  rank: number,
  products: Products,
  seed: number,
): Promise<Truncated[]> {
  const { stack, columns, out } = factors;
  const width = Math.min(rank + oversampling, columns, out);
  if (stack <= width) {
    return Array.from({ length: mixes }, (_, mix) => exactMix(factors, weights, mixes, mix, rank));
  }
  const random = seededRandom(seed);
  const sketch = Float32Array.from({ length: columns * width }, () => random.normal());
  const shared = await products.multiply({
    left: factors.downs,
    right: sketch,
    rows: stack,
    columns: width,
    inner: columns,
  });
  const batch = Math.max(1, Math.floor(batchNumbers / (stack * width)));
  const results: Truncated[] = [];
  for (let first = 0; first < mixes; first += batch) {
    const last = Math.min(mixes, first + batch);
    const scaled = (rows: Float32Array) =>
      scaleRows(rows, weights, mixes, [first, last], stack, width);
    const wide = (last - first) * width;
    const side = (matrix: Float32Array, length: number, right: Float32Array) =>
      products.multiply({
        left: matrix,
        right,
        rows: length,
        columns: wide,
        inner: stack,
        transposeLeft: true,
      });
    const into = (matrix: Float32Array, length: number, right: Float32Array) =>
      products.multiply({ left: matrix, right, rows: stack, columns: wide, inner: length });
    const basis = (matrix: Float32Array, rows: number) =>
      orthonormaliseEach(matrix, rows, last - first, width, products);
    const image = await basis(await side(factors.ups, out, scaled(shared)), out);
    const right = await basis(
      await side(factors.downs, columns, scaled(await into(factors.ups, out, image))),
      columns,
    );
    const left = await basis(
      await side(factors.ups, out, scaled(await into(factors.downs, columns, right))),
      out,
    );
    const core = await side(factors.downs, columns, scaled(await into(factors.ups, out, left)));
    for (let mix = 0; mix < last - first; mix++) {
      const up = takeColumns(left, out, wide, mix * width, width);
      const down = transpose(takeColumns(core, columns, wide, mix * width, width), columns, width);
      results.push(truncateProduct(up, down, out, columns, width, rank));
    }
  }
  return results;
}

/** The mix itself is no taller than the sketch would be: scale and cut. */
function exactMix(
  { downs, ups, stack, columns, out }: StackedFactors,
  weights: Float32Array,
  mixes: number,
  mix: number,
  rank: number,
): Truncated {
  const up = new Float32Array(out * stack);
  for (let i = 0; i < stack; i++) {
    const weight = weights[i * mixes + mix] as number;
    for (let o = 0; o < out; o++) up[o * stack + i] = weight * (ups[i * out + o] as number);
  }
  return truncateProduct(up, downs, out, columns, stack, rank);
}

/** `[stack, mixes * width]`: rows repeated once a mix, each time with the mix's weights. A single block repeats for all. */
function scaleRows(
  rows: Float32Array,
  weights: Float32Array,
  mixes: number,
  [first, last]: readonly [number, number],
  stack: number,
  width: number,
): Float32Array {
  const wide = (last - first) * width;
  const repeated = rows.length === stack * width;
  const scaled = new Float32Array(stack * wide);
  for (let i = 0; i < stack; i++) {
    for (let mix = first; mix < last; mix++) {
      const weight = weights[i * mixes + mix] as number;
      const target = i * wide + (mix - first) * width;
      const source = repeated ? i * width : target;
      for (let c = 0; c < width; c++) scaled[target + c] = weight * (rows[source + c] as number);
    }
  }
  return scaled;
}

async function orthonormaliseEach(
  matrix: Float32Array,
  rows: number,
  blocks: number,
  width: number,
  products: Products,
): Promise<Float32Array> {
  const wide = blocks * width;
  const result = new Float32Array(rows * wide);
  for (let block = 0; block < blocks; block++) {
    const columns = takeColumns(matrix, rows, wide, block * width, width);
    const basis = await orthonormalise(
      columns,
      { as: "columns", count: width, length: rows },
      products,
    );
    for (let row = 0; row < rows; row++) {
      result.set(basis.subarray(row * width, (row + 1) * width), row * wide + block * width);
    }
  }
  return result;
}

function takeColumns(
  matrix: Float32Array,
  rows: number,
  wide: number,
  from: number,
  width: number,
): Float32Array {
  if (wide === width) return matrix;
  const taken = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    taken.set(matrix.subarray(row * wide + from, row * wide + from + width), row * width);
  }
  return taken;
}

/** Squared norm of a product whose factors are balanced: row p of `down` has squared norm s_p. */
export function balancedEnergy(down: Float32Array, rank: number): number {
  const width = down.length / rank;
  let energy = 0;
  for (let p = 0; p < rank; p++) {
    let s = 0;
    for (let i = p * width; i < (p + 1) * width; i++) s += (down[i] as number) ** 2;
    energy += s * s;
  }
  return energy;
}
