/** Tensors of float64 and the few ways in which the evaluator reads and fills them. */
import { assert } from "../../../src-main/core/errors.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";

/** Row-major; integers and booleans are numbers too. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export type Index = readonly number[];

export function tensor64(shape: readonly number[], values: ArrayLike<number>): Tensor64 {
  assert(
    values.length === elementCount(shape),
    `${values.length} values for [${shape.join(", ")}]`,
  );
  return { shape, values: Float64Array.from(values) };
}

/** Every index of a shape in row-major order; the array is the same one each time. */
export function* indices(shape: readonly number[]): Generator<Index> {
  const index = shape.map(() => 0);
  for (let left = elementCount(shape); left > 0; left--) {
    yield index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
}

/** Place of an element; indices are aligned at the end and axes of size 1 repeat, as numpy broadcasts. */
export function offsetOf(shape: readonly number[], index: Index): number {
  let offset = 0;
  for (const [axis, size] of shape.entries()) {
    const at = index[axis - shape.length + index.length] ?? 0;
    offset = offset * size + (size === 1 ? 0 : at);
  }
  return offset;
}

export function at({ shape, values }: Tensor64, index: Index): number {
  return values[offsetOf(shape, index)] ?? Number.NaN;
}

/** The tensor whose element at each index is what `element` gives there. */
export function fill(shape: readonly number[], element: (index: Index) => number): Float64Array {
  const values = new Float64Array(elementCount(shape));
  let offset = 0;
  for (const index of indices(shape)) values[offset++] = element(index);
  return values;
}

export function total(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
