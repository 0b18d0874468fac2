/** Shapes of tensors whose sizes may be symbolic. */
import {
  type Dimension,
  dimensionText,
  evaluateDimension,
  sameDimension,
  times,
} from "./dimension.ts";

export type Shape = readonly Dimension[];

export function shapeText(shape: Shape): string {
  return `[${shape.map(dimensionText).join(", ")}]`;
}

export function sameShape(left: Shape, right: Shape): boolean {
  return (
    left.length === right.length &&
    left.every((dimension, axis) => sameDimension(dimension, right[axis] ?? -1))
  );
}

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): Dimension {
  return shape.reduce<Dimension>((size, dimension) => times(size, dimension), 1);
}

/** The shape of both under numpy's rule, sizes aligned at the end; undefined where they do not fit. */
export function broadcast(left: Shape, right: Shape): Shape | undefined {
  const rank = Math.max(left.length, right.length);
  const shape: Dimension[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const one = left[axis - rank + left.length] ?? 1;
    const other = right[axis - rank + right.length] ?? 1;
    if (one === 1) shape.push(other);
    else if (other === 1 || sameDimension(one, other)) shape.push(one);
    else return undefined;
  }
  return shape;
}

/** Numbers in place of symbols. */
export function evaluateShape(shape: Shape, values: ReadonlyMap<string, number>): number[] {
  return shape.map((dimension) => evaluateDimension(dimension, values));
}

/** An axis counted from the front: -1 is the last. */
export function axisFromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
