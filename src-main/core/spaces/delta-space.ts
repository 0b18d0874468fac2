/** A space over products: a point is the sum of truncated components and the mean, cut to the space's rank. */
import { transpose } from "../linalg/multiply.ts";
import { solvePositive } from "../linalg/positive.ts";
import { refuseMagnitudes } from "../lora/convert/dora.ts";
import { checkModel, restrict } from "../lora/flatten.ts";
import { columns as columnsOf, type Lora, type LoraModule } from "../lora/lora.ts";
import { addDeltaGram } from "./gram.ts";
import type { Products } from "../linalg/products.ts";
import type { LatentSpace, SpaceRecord } from "./space.ts";
import { balancedEnergy, truncateMixes } from "./truncate-mixes.ts";

export interface DeltaTensors {
  /** Row 0..k-1 a component at unit norm, row k the mean, by `record.layout`; loaded when first needed. */
  component(index: number): Float32Array;
  readonly memberCoordinates: Float32Array;
}

/** The seed of the sketch that cuts points: part of the format, so that a recipe gives the same bytes. */
const sketchSeed = 0x5eed;

/** A share of the mean diagonal: components that nearly repeat each other share the weight. */
const ridge = 1e-9;

export function openDeltaSpace(
  record: SpaceRecord,
  tensors: DeltaTensors,
  products: Products,
): LatentSpace {
  const { layout, components } = record;
  const rows = components + 1;
  const stack = rows * layout.rank;
  const stacks = new Map<number, { downs: Float32Array; ups: Float32Array }>();

  function stackOf(module: number): { downs: Float32Array; ups: Float32Array } {
    const known = stacks.get(module);
    if (known !== undefined) return known;
    const shape = moduleAt(module);
    const columns = columnsOf(shape);
    const downs = new Float32Array(stack * columns);
    const ups = new Float32Array(stack * shape.out);
    for (let row = 0; row < rows; row++) {
      const vector = tensors.component(row);
      const middle = shape.offset + layout.rank * columns;
      downs.set(vector.subarray(shape.offset, middle), row * layout.rank * columns);
      const up = vector.subarray(middle, middle + shape.out * layout.rank);
      ups.set(transpose(up, shape.out, layout.rank), row * layout.rank * shape.out);
    }
    const made = { downs, ups };
    stacks.set(module, made);
    return made;
  }

  function moduleAt(module: number) {
    const shape = layout.modules[module];
    if (shape === undefined) throw new Error(`no module ${String(module)} in the layout`);
    return shape;
  }

  let inner: Promise<Float32Array> | null = null;
  /** `[k + 1, k + 1]`: truncated components are not quite orthonormal, so projections solve with this. */
  function componentGram(): Promise<Float32Array> {
    inner ??= (async () => {
      const gram = new Float32Array(rows * rows);
      for (let module = 0; module < layout.modules.length; module++) {
        const { downs, ups } = stackOf(module);
        await addDeltaGram(gram, downs, ups, rows, layout.rank, products);
      }
      return gram;
    })();
    return inner;
  }

  return {
    record,
    memberCoordinates: tensors.memberCoordinates,
    async decode(coordinates) {
      const mix = Array.from({ length: rows }, (_, row) =>
        row === components ? 1 : (coordinates[row] ?? 0) * (record.sigma[row] as number),
      );
      const weights = new Float32Array(stack);
      mix.forEach((weight, row) =>
        weights.fill(weight, row * layout.rank, (row + 1) * layout.rank),
      );
      let cutEnergy = 0;
      const modules: LoraModule[] = [];
      for (let module = 0; module < layout.modules.length; module++) {
        const { offset: _, ...shape } = moduleAt(module);
        const [cut] = await truncateMixes(
          { ...stackOf(module), stack, columns: columnsOf(shape), out: shape.out },
          weights,
          1,
          record.rank,
          products,
          sketchSeed + module,
        );
        if (cut === undefined) throw new Error("one mix gives one product");
        cutEnergy += balancedEnergy(cut.down, record.rank);
        modules.push({ ...shape, rank: record.rank, up: cut.up, down: cut.down });
      }
      const energy = quadratic(await componentGram(), mix);
      return {
        lora: { family: record.family, modules, embeddings: [] },
        kept: energy <= 0 ? 1 : Math.min(1, cutEnergy / energy),
      };
    },
    async project(lora: Lora) {
      refuseMagnitudes(lora, "take part in a space");
      const known = restrict(lora, layout);
      checkModel(known, layout);
      const byPath = new Map(known.modules.map((module) => [module.path, module]));
      const against = new Float64Array(rows);
      for (let module = 0; module < layout.modules.length; module++) {
        const own = byPath.get(moduleAt(module).path);
        if (own === undefined) continue;
        const { downs, ups } = stackOf(module);
        const pair = (left: Float32Array, right: Float32Array, inner: number, turned: boolean) =>
          products.multiply({
            left,
            right,
            rows: stack,
            columns: own.rank,
            inner,
            transposeRight: turned,
          });
        const a = await pair(downs, own.down, columnsOf(own), true);
        const b = await pair(ups, own.up, own.out, false);
        for (let at = 0; at < a.length; at++) {
          const row = Math.floor(at / (layout.rank * own.rank));
          against[row] = (against[row] as number) + (a[at] as number) * (b[at] as number);
        }
      }
      const gram = await componentGram();
      const matrix = new Float64Array(components * components);
      const right = new Float64Array(components);
      for (let i = 0; i < components; i++) {
        right[i] = (against[i] as number) - (gram[i * rows + components] as number);
        for (let j = 0; j < components; j++)
          matrix[i * components + j] = gram[i * rows + j] as number;
      }
      let mean = 0;
      for (let i = 0; i < components; i++)
        mean += (matrix[i * (components + 1)] as number) / components;
      const weights = await solvePositive(
        matrix,
        right,
        { size: components, columns: 1, ridge: ridge * mean },
        products,
      );
      return record.sigma.map((sigma, index) => (weights[index] as number) / sigma);
    },
  };
}

/** `mixᵀ · gram · mix`. */
function quadratic(gram: Float32Array, mix: readonly number[]): number {
  return mix.reduce(
    (sum, left, i) =>
      sum +
      left * mix.reduce((row, right, j) => row + right * (gram[i * mix.length + j] as number), 0),
    0,
  );
}
