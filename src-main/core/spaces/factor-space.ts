/** A space over flattened factors: a point is the mean plus components, summed in float64 in a fixed order. */
import { assert } from "../errors.ts";
import { checkModel, flatten, restrict, unflatten } from "../lora/flatten.ts";
import type { Lora } from "../lora/lora.ts";
import { toForm } from "./form.ts";
import type { LatentSpace, SpaceRecord } from "./space.ts";

export interface FactorTensors {
  readonly mean: Float32Array;
  readonly scale: Float32Array | null;
  /** The vector that members were aligned to (signs of the standard form, rotation of the aligned one). */
  readonly reference: Float32Array;
  /** Row `index` of the components; loaded when first needed. */
  component(index: number): Float32Array;
  readonly memberCoordinates: Float32Array;
}

/** Dimensions summed together: their accumulator stays in the cache while the components stream by. */
const tile = 2048;
/** Components summed in one pass over a tile. */
const group = 8;

export interface FactorSpace extends LatentSpace {
  /** The flattened matrices of a point, in float32. */
  vector(coordinates: readonly number[]): Float32Array;
  /** Moves a vector along one component in place: what a slider does. */
  nudge(vector: Float32Array, index: number, sigma: number): void;
}

export function openFactorSpace(record: SpaceRecord, tensors: FactorTensors): FactorSpace {
  const { layout } = record;
  const { mean, scale, memberCoordinates } = tensors;
  assert(mean.length === layout.dimension, "mean and layout have the same length");
  const reference = unflatten(tensors.reference, layout);
  const step = (index: number, sigma: number) => sigma * (record.sigma[index] as number);

  function vector(coordinates: readonly number[]): Float32Array {
    const active = coordinates
      .map((sigma, index) => ({ index, step: index < record.components ? step(index, sigma) : 0 }))
      .filter((entry) => entry.step !== 0);
    const rows = active.map((entry) => tensors.component(entry.index));
    const steps = active.map((entry) => entry.step);
    const sums = sumRows(rows, steps, mean.length);
    const result = new Float32Array(mean.length);
    for (let i = 0; i < result.length; i++) {
      const offset = sums[i] as number;
      result[i] = (mean[i] as number) + (scale === null ? offset : offset * (scale[i] as number));
    }
    return result;
  }

  return {
    record,
    memberCoordinates,
    vector,
    decode: (coordinates) =>
      Promise.resolve({ lora: unflatten(vector(coordinates), layout), kept: 1 }),
    project(lora: Lora) {
      const known = restrict(lora, layout);
      checkModel(known, layout);
      const formed = toForm(record.form, known, record.rank, reference).lora;
      const offset = flatten(formed, layout);
      for (let i = 0; i < offset.length; i++) {
        const difference = (offset[i] as number) - (mean[i] as number);
        offset[i] = scale === null ? difference : difference / (scale[i] as number);
      }
      return Promise.resolve(
        record.sigma.map((sigma, index) => {
          const row = tensors.component(index);
          let sum = 0;
          for (let i = 0; i < row.length; i++) sum += (row[i] as number) * (offset[i] as number);
          return sum / sigma;
        }),
      );
    },
    nudge(target, index, sigma) {
      const row = tensors.component(index);
      const length = step(index, sigma);
      for (let i = 0; i < target.length; i++) {
        const offset = length * (row[i] as number);
        target[i] =
          (target[i] as number) + (scale === null ? offset : offset * (scale[i] as number));
      }
    },
  };
}

/** `sum_j steps[j] · rows[j]`. The order is fixed and nothing is fused, so every machine gives the same bits. */
function sumRows(
  rows: readonly Float32Array[],
  steps: readonly number[],
  length: number,
): Float64Array {
  const sums = new Float64Array(length);
  const zero = new Float32Array(rows.length % group === 0 ? 0 : length);
  for (let start = 0; start < length; start += tile) {
    const end = Math.min(length, start + tile);
    for (let first = 0; first < rows.length; first += group) {
      addGroup(sums, rows, steps, first, zero, start, end);
    }
  }
  return sums;
}

function addGroup(
  sums: Float64Array,
  rows: readonly Float32Array[],
  steps: readonly number[],
  first: number,
  zero: Float32Array,
  start: number,
  end: number,
): void {
  const row = (at: number) => rows[first + at] ?? zero;
  const [r0, r1, r2, r3, r4, r5, r6, r7] = [
    row(0),
    row(1),
    row(2),
    row(3),
    row(4),
    row(5),
    row(6),
    row(7),
  ];
  const by = (at: number) => steps[first + at] ?? 0;
  const [s0, s1, s2, s3, s4, s5, s6, s7] = [by(0), by(1), by(2), by(3), by(4), by(5), by(6), by(7)];
  for (let i = start; i < end; i++) {
    sums[i] =
      (sums[i] as number) +
      s0 * (r0[i] as number) +
      s1 * (r1[i] as number) +
      s2 * (r2[i] as number) +
      s3 * (r3[i] as number) +
      s4 * (r4[i] as number) +
      s5 * (r5[i] as number) +
      s6 * (r6[i] as number) +
      s7 * (r7[i] as number);
  }
}
