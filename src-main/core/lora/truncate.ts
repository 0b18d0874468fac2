/** The best approximation of a product of factors at a given rank (Eckart and Young, 1936), from the factors alone. */
import { FacetError } from "../errors.ts";
import { multiply } from "../linalg/multiply.ts";
import { type OrthogonalBasis, basisOfColumns, basisOfRows } from "../linalg/orthogonal-basis.ts";
import { type Svd, leadingSvd } from "../linalg/svd.ts";
import { type LoraModule, columns as columnsOf } from "./lora.ts";

/** Balanced: column i of `up` and row i of `down` both have the length sqrt(singular value i), descending. */
export interface Truncated {
  /** `[out, target]`. */
  readonly up: Float32Array;
  /** `[target, columns]`. */
  readonly down: Float32Array;
  /** Share of the energy (the sum of the squared singular values) that is left; 1 where there was none. */
  readonly kept: number;
  /** Squared Frobenius norm of the whole product. */
  readonly energy: number;
}

/** `up · down = Q_up core Q_downᵀ`, with the SVD of the small core. */
interface Factorised {
  readonly core: Svd;
  readonly energy: number;
  expandUp(t: Float64Array, count: number): Float32Array;
  expandDown(t: Float64Array, count: number): Float32Array;
}

/**
 * Cuts `up [out, rank] · down [rank, columns]` to the rank `target`. A target above the product's own rank is filled
 * up with zeros. The factors may be rank-deficient, repeat columns or be zero.
 */
export function truncateProduct(
  up: Float32Array,
  down: Float32Array,
  out: number,
  columns: number,
  rank: number,
  target: number,
): Truncated {
  const product = factorise(up, down, out, columns, rank, target);
  const { values, left, right } = product.core;
  let kept = 0;
  for (const value of values) kept += value * value;
  return {
    up: product.expandUp(balancedColumns(left, values, target), target),
    down: product.expandDown(balancedColumns(right, values, target), target),
    kept: product.energy > 0 ? Math.min(1, kept / product.energy) : 1,
    energy: product.energy,
  };
}

/** All singular values of `up · down` that can differ from zero: min(rank, out, columns) of them, descending. */
export function singularValues(
  up: Float32Array,
  down: Float32Array,
  out: number,
  columns: number,
  rank: number,
): Float64Array {
  const count = Math.min(rank, out, columns);
  const values = new Float64Array(count);
  values.set(factorise(up, down, out, columns, rank, count).core.values);
  return values;
}

function factorise(
  up: Float32Array,
  down: Float32Array,
  out: number,
  columns: number,
  rank: number,
  target: number,
): Factorised {
  if (rank > Math.min(out, columns)) return factoriseDense(up, down, out, columns, rank, target);
  const left = basisOfColumns(up, out, rank);
  const right = basisOfRows(down, rank, columns);
  const core = coreOf(left, right, rank);
  return {
    core: leadingSvd(core, left.size, right.size, target),
    energy: sumOfSquares(core),
    expandUp: (t, count) => left.expand(t, count),
    expandDown: (t, count) => right.expand(t, count),
  };
}

/** `R_up R_downᵀ`. */
function coreOf(left: OrthogonalBasis, right: OrthogonalBasis, rank: number): Float64Array {
  const turned = new Float64Array(rank * right.size);
  for (let i = 0; i < right.size; i++) {
    for (let k = 0; k < rank; k++) turned[k * right.size + i] = right.r[i * rank + k] as number;
  }
  return multiply(left.r, turned, left.size, rank, right.size);
}

/** Where the factors are longer than the matrix is wide, as in a sum of many LoRAs, the product is the smaller thing. */
function factoriseDense(
  up: Float32Array,
  down: Float32Array,
  out: number,
  columns: number,
  rank: number,
  target: number,
): Factorised {
  const product = multiply(Float64Array.from(up), Float64Array.from(down), out, rank, columns);
  return {
    core: leadingSvd(product, out, columns, target),
    energy: sumOfSquares(product),
    expandUp: (t) => Float32Array.from(t),
    expandDown: (t, count) => {
      const turned = new Float32Array(t.length);
      for (let i = 0; i < columns; i++) {
        for (let j = 0; j < count; j++) turned[j * columns + i] = t[i * count + j] as number;
      }
      return turned;
    },
  };
}

/** Singular vectors times the root of their value, `[rows, target]`; columns beyond the values are zero. */
function balancedColumns(
  vectors: Float64Array,
  values: Float64Array,
  target: number,
): Float64Array {
  const count = values.length;
  const rows = count === 0 ? 0 : vectors.length / count;
  const result = new Float64Array(rows * target);
  for (let j = 0; j < Math.min(count, target); j++) {
    const root = Math.sqrt(values[j] as number);
    for (let i = 0; i < rows; i++) {
      result[i * target + j] = root * (vectors[i * count + j] as number);
    }
  }
  return result;
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

/** One module cut, or filled up with zeros, to a rank; its energy goes into the sum. */
export function truncateModule(module: LoraModule, target: number, kept: KeptEnergy): LoraModule {
  const { up, down, rank, out, path } = module;
  const result = truncateProduct(up, down, out, columnsOf(module), rank, target);
  kept.add(result, path);
  return { ...module, rank: target, up: result.up, down: result.down };
}

/** Sums the energy of modules: the deltas of different modules are orthogonal to each other. */
export class KeptEnergy {
  #whole = 0;
  #kept = 0;

  add(result: Pick<Truncated, "energy" | "kept">, path: string): void {
    if (!Number.isFinite(result.energy)) {
      throw new FacetError(
        "not-finite",
        `Module ${path} holds values that are not finite, or so large that their product is not; the LoRA is damaged.`,
        { field: path },
      );
    }
    this.#whole += result.energy;
    this.#kept += result.energy * result.kept;
  }

  share(): number {
    return this.#whole > 0 ? this.#kept / this.#whole : 1;
  }
}
