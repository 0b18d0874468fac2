/** What an inference rule sees, and how it refuses. */
import { FacetError } from "../../errors.ts";
import type { Dimension } from "../dimension.ts";
import type { Signature } from "../node.ts";
import type { GraphDType, Operator, OperatorParameters } from "../operators.ts";
import { type Shape, shapeText } from "../shape.ts";

/** Gives the signature of the result, or throws `shape-mismatch` by `refuse`. */
export type InferRule<O extends Operator> = (
  inputs: readonly Signature[],
  parameters: OperatorParameters[O],
) => Signature;

/** Thrown by rules and told with the operator's name by `make`. */
export class Refusal extends Error {}

export function refuse(why: string): never {
  throw new Refusal(why);
}

export function mismatch(
  operator: Operator,
  inputs: readonly Signature[],
  why: string,
): FacetError {
  const operands = inputs.map(({ dtype, shape }) => `${dtype} ${shapeText(shape)}`).join(", ");
  return new FacetError("shape-mismatch", `${operator}(${operands}): ${why}.`, { field: operator });
}

/** Exactly so many operands. */
export function operands<const N extends 1 | 2 | 3>(
  inputs: readonly Signature[],
  count: N,
): { 1: [Signature]; 2: [Signature, Signature]; 3: [Signature, Signature, Signature] }[N] {
  if (inputs.length !== count) refuse(`takes ${count} operands and got ${inputs.length}`);
  // The length was just checked.
  return inputs as never;
}

export function sameDtype(inputs: readonly Signature[]): GraphDType {
  const [first] = inputs;
  if (first === undefined) return refuse("takes at least one operand");
  if (inputs.some(({ dtype }) => dtype !== first.dtype)) refuse("operands have different types");
  return first.dtype;
}

const floats: ReadonlySet<GraphDType> = new Set(["F32", "F16", "BF16"]);

export function isFloat(dtype: GraphDType): boolean {
  return floats.has(dtype);
}

export function needFloat({ dtype }: Signature): void {
  if (!isFloat(dtype)) refuse(`needs floating-point numbers, not ${dtype}`);
}

/** Axes sorted, each once. They count from the front: builders turn -1 around, so that no rule has to. */
export function axesOf(axes: readonly number[], shape: Shape): number[] {
  for (const axis of axes) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
      refuse(`axis ${axis} is none of ${shape.length}`);
  }
  if (new Set(axes).size !== axes.length) refuse(`axes ${axes.join(", ")} name one twice`);
  return axes.toSorted((a, b) => a - b);
}

/** Sizes that are numbers are whole ones; of symbols it shows when they have values. */
export function isSize(size: Dimension): boolean {
  return typeof size !== "number" || (Number.isInteger(size) && size >= 0);
}

export function needSizes(shape: Shape): void {
  if (!shape.every(isSize)) refuse(`${shapeText(shape)} is no shape`);
}

/** Integers of at least `least`. */
export function needIntegers(what: string, values: readonly number[], least: number): void {
  if (values.some((value) => !Number.isInteger(value) || value < least))
    refuse(`${what} ${values.join(", ")} where integers of at least ${least} are needed`);
}
