/** Parameters of test models by a formula, so that no weights are stored; test/fixtures/models/formula.py has the same. */
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";

export interface FormulaTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Values of the parameter that is the `place`-th of its component's names in sorted order (names are those of
 * diffusers and transformers 4, also where a file has others).
 */
export function formulaValues(name: string, place: number, shape: readonly number[]): Float32Array {
  const count = elementCount(shape);
  const values = new Float32Array(count);
  const start = Math.imul(place, 0x85ebca77);
  const { size, centre } = spread(name, shape);
  for (let index = 0; index < count; index++) {
    let h = (Math.imul(index, 0x9e3779b1) + start) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x7feb352d);
    h ^= h >>> 15;
    h = Math.imul(h, 0x846ca68b);
    h ^= h >>> 16;
    values[index] = centre + ((h >>> 0) / 2 ** 31 - 1) * size;
  }
  return values;
}

/** Matrices keep the variance of what goes through them; norms stay near 1. */
function spread(name: string, shape: readonly number[]): { size: number; centre: number } {
  if (name.endsWith("_embedding.weight")) return { size: 0.3, centre: 0 };
  const [rows = 1] = shape;
  if (shape.length > 1) return { size: Math.sqrt(3 / (elementCount(shape) / rows)), centre: 0 };
  return { size: 0.1, centre: name.includes("norm") && name.endsWith("weight") ? 1 : 0 };
}

/** All parameters of one component. */
export function formulaTensors(
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, FormulaTensor> {
  return new Map(
    Array.from(shapes)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, shape], place) => [name, { shape, values: formulaValues(name, place, shape) }]),
  );
}
