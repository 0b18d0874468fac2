/** PCA over the products themselves, without factors' freedom: Gram matrix from r x r blocks, components cut to a rank. */
import { leadingEigenpairs } from "../linalg/leading-eigenpairs.ts";
import { transpose } from "../linalg/multiply.ts";
import type { Layout } from "../lora/flatten.ts";
import { columns as columnsOf } from "../lora/lora.ts";
import type { FitOptions } from "./factor-fit.ts";
import { addDeltaGram, centreGram, trace } from "./gram.ts";
import type { Stage } from "./stage.ts";
import { balancedEnergy, type StackedFactors, truncateMixes } from "./truncate-mixes.ts";

export interface DeltaFit {
  /** Rows 0..k-1 the components at unit norm, row k the mean; each a vector of `layout`. */
  readonly components: Stage;
  readonly layout: Layout;
  readonly sigma: number[];
  readonly explained: number[];
  readonly coordinates: Float32Array;
  /** Share of each component's energy that its rank kept. */
  readonly kept: number[];
}

/**
 * @param stage Members' balanced factors, flattened by `layout`.
 * @param stored Layout of the components: same modules, rank R_c.
 */
export async function fitDeltas(
  stage: Stage,
  layout: Layout,
  stored: Layout,
  options: FitOptions,
): Promise<DeltaFit> {
  const { count } = stage;
  const gram = new Float32Array(count * count);
  const modules = layout.modules.length;
  for (let module = 0; module < modules; module++) {
    await options.progress("Comparing members", module, modules);
    const { downs, ups } = stackModule(stage, layout, module);
    await addDeltaGram(gram, downs, ups, count, layout.rank, options.products);
  }
  centreGram(gram, count);
  const variance = trace(gram, count);
  await options.progress("Finding components", 0, 1);
  const pairs = await leadingEigenpairs(
    gram,
    count,
    Math.min(options.components, count - 1),
    options.products,
    options.seed,
  );
  const lengths = Array.from(pairs.values, Math.sqrt);
  const mixes = pairs.count + 1;
  const weights = mixWeights(pairs.vectors, lengths, count, layout.rank);
  const components = options.makeStage(mixes, stored.dimension);
  const energy = new Float64Array(mixes);
  for (let module = 0; module < modules; module++) {
    await options.progress("Writing components", module, modules);
    const at = stored.modules[module];
    if (at === undefined) throw new Error("layouts of members and components differ");
    const cut = await truncateMixes(
      stackModule(stage, layout, module),
      weights,
      mixes,
      stored.rank,
      options.products,
      options.seed + module,
    );
    cut.forEach(({ down, up }, mix) => {
      components.write(mix, down, at.offset);
      components.write(mix, up, at.offset + down.length);
      energy[mix] = (energy[mix] as number) + balancedEnergy(down, stored.rank);
    });
  }
  const unit = Math.sqrt(count - 1);
  return {
    components,
    layout: stored,
    sigma: lengths.map((length) => length / unit),
    explained: Array.from(pairs.values, (value) => value / variance),
    coordinates: pairs.vectors.map((value) => value * unit),
    kept: Array.from(energy.subarray(0, pairs.count), (value) => Math.min(1, value)),
  };
}

/** One module's factors of all members, ups transposed so that each member's rank rows lie together. */
function stackModule(stage: Stage, layout: Layout, module: number): StackedFactors {
  const shape = layout.modules[module];
  if (shape === undefined) throw new Error(`no module ${String(module)} in the layout`);
  const columns = columnsOf(shape);
  const { out } = shape;
  const { rank } = layout;
  const middle = shape.offset + rank * columns;
  const downs = stage.stripe(shape.offset, middle);
  const turned = stage.stripe(middle, middle + out * rank);
  const ups = new Float32Array(turned.length);
  for (let member = 0; member < stage.count; member++) {
    const start = member * out * rank;
    ups.set(transpose(turned.subarray(start, start + out * rank), out, rank), start);
  }
  return { downs, ups, stack: stage.count * rank, columns, out };
}

/** `[members * rank, k + 1]`: eigenvectors over their lengths (unit components), then 1/n for the mean. */
function mixWeights(
  vectors: Float32Array,
  lengths: readonly number[],
  count: number,
  rank: number,
): Float32Array {
  const components = lengths.length;
  const mixes = components + 1;
  const weights = new Float32Array(count * rank * mixes);
  for (let row = 0; row < count * rank; row++) {
    const member = Math.floor(row / rank);
    for (let j = 0; j < components; j++) {
      weights[row * mixes + j] =
        (vectors[member * components + j] as number) / (lengths[j] as number);
    }
    weights[row * mixes + components] = 1 / count;
  }
  return weights;
}
