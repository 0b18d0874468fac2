/** PCA over flattened factors (standard and aligned forms): two passes over stripes, never all members at once. */
import { addGram } from "../linalg/large-gram.ts";
import { leadingEigenpairs } from "../linalg/leading-eigenpairs.ts";
import type { Products } from "../linalg/products.ts";
import { type Stage, type StageFactory, stripesOf } from "./stage.ts";

export interface FactorFit {
  readonly mean: Float32Array;
  /** Standard deviation of each dimension; null where dimensions were not standardised. */
  readonly scale: Float32Array | null;
  /** Orthonormal components in rows. */
  readonly components: Stage;
  /** Standard deviation of the members along each component. */
  readonly sigma: number[];
  readonly explained: number[];
  /** `[members, components]` in sigma. */
  readonly coordinates: Float32Array;
}

export interface FitOptions {
  readonly components: number;
  readonly seed: number;
  readonly products: Products;
  readonly makeStage: StageFactory;
  /** Called between pieces of work; throws to cancel. */
  progress(step: string, done: number, total: number): Promise<void>;
}

/**
 * Snapshot PCA (Sirovich 1987): eigenvectors of the members' Gram matrix give the coordinates, a second
 * pass over the members gives the components. Exact up to float32, whatever the dimension.
 */
export async function fitFactors(
  stage: Stage,
  standardise: boolean,
  options: FitOptions,
): Promise<FactorFit> {
  const { count, dimension } = stage;
  const { products } = options;
  const mean = new Float32Array(dimension);
  const scale = standardise ? new Float32Array(dimension) : null;
  const gram = new Float32Array(count * count);
  for (const [from, to] of stripesOf(count, dimension)) {
    await options.progress("Comparing members", from, dimension);
    const stripe = stage.stripe(from, to);
    mean.set(columnMeans(stripe, to - from), from);
    scale?.set(columnDeviations(stripe, mean.subarray(from, to)), from);
    centre(stripe, mean.subarray(from, to), scale?.subarray(from, to));
    await addGram(gram, stripe, count, products);
  }
  let variance = 0;
  for (let i = 0; i < count; i++) variance += gram[i * count + i] as number;
  await options.progress("Finding components", 0, 1);
  const pairs = await leadingEigenpairs(
    gram,
    count,
    Math.min(options.components, count - 1),
    products,
    options.seed,
  );
  const lengths = Array.from(pairs.values, Math.sqrt);
  const directions = pairs.vectors.map(
    (value, at) => value / (lengths[at % pairs.count] as number),
  );
  const components = options.makeStage(pairs.count, dimension);
  for (const [from, to] of stripesOf(count, dimension)) {
    await options.progress("Writing components", from, dimension);
    const stripe = stage.stripe(from, to);
    centre(stripe, mean.subarray(from, to), scale?.subarray(from, to));
    const width = to - from;
    const rows = await products.multiply({
      left: directions,
      right: stripe,
      rows: pairs.count,
      columns: width,
      inner: count,
      transposeLeft: true,
    });
    for (let row = 0; row < pairs.count; row++) {
      components.write(row, rows.subarray(row * width, (row + 1) * width), from);
    }
  }
  const unit = Math.sqrt(count - 1);
  return {
    mean,
    scale,
    components,
    sigma: lengths.map((length) => length / unit),
    explained: Array.from(pairs.values, (value) => value / variance),
    coordinates: pairs.vectors.map((value) => value * unit),
  };
}

function columnMeans(stripe: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  const count = stripe.length / width;
  for (let start = 0; start < stripe.length; start += width) {
    for (let j = 0; j < width; j++) sums[j] = (sums[j] as number) + (stripe[start + j] as number);
  }
  return Float32Array.from(sums, (sum) => sum / count);
}

/** Sample standard deviations; a dimension in which all members agree keeps its scale. */
function columnDeviations(stripe: Float32Array, means: Float32Array): Float32Array {
  const width = means.length;
  const count = stripe.length / width;
  const sums = new Float64Array(width);
  for (let start = 0; start < stripe.length; start += width) {
    for (let j = 0; j < width; j++) {
      const offset = (stripe[start + j] as number) - (means[j] as number);
      sums[j] = (sums[j] as number) + offset * offset;
    }
  }
  return Float32Array.from(sums, (sum) => (sum === 0 ? 1 : Math.sqrt(sum / (count - 1))));
}

function centre(stripe: Float32Array, means: Float32Array, scale?: Float32Array): void {
  const width = means.length;
  for (let start = 0; start < stripe.length; start += width) {
    for (let j = 0; j < width; j++) {
      stripe[start + j] = (stripe[start + j] as number) - (means[j] as number);
    }
    if (scale === undefined) continue;
    for (let j = 0; j < width; j++) {
      stripe[start + j] = (stripe[start + j] as number) / (scale[j] as number);
    }
  }
}
