/** What crosses into a session and out of it, and whether it fits the ports it goes through. */
import { FacetError } from "../core/errors.ts";
import {
  type Dimension,
  evaluateDimension,
  solveDimension,
  symbolsOf,
} from "../core/graph/dimension.ts";
import { evaluateShape, shapeText } from "../core/graph/shape.ts";
import type { Port } from "../core/onnx/lower.ts";
import { elementCount } from "../core/tensor/dtype.ts";

export type Values = Float32Array | Float16Array | Int32Array | BigInt64Array | Uint8Array;

/** Values with their sizes: what a run is given and what it gives. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Values;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** The runtime's names of element types, and their arrays. */
export const carriers = {
  F32: { type: "float32", array: Float32Array },
  F16: { type: "float16", array: Float16Array },
  I32: { type: "int32", array: Int32Array },
  I64: { type: "int64", array: BigInt64Array },
  BOOL: { type: "bool", array: Uint8Array },
} as const;

/** A network that takes LoRAs has thousands of inputs. */
const mostNamed = 8;

/** New memory for a result whose sizes follow from the feeds'. */
export function empty({ dtype, shape }: Port, sizes: ReadonlyMap<string, number>): Tensor {
  const actual = evaluateShape(shape, sizes);
  return { shape: actual, values: new carriers[dtype].array(elementCount(actual)) };
}

export function unknownPort(
  kind: "input" | "output",
  name: string,
  ports: readonly Port[],
): FacetError {
  const some = ports.slice(0, mostNamed).map((port) => port.name);
  const more = ports.length - some.length;
  const known = `${some.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return new FacetError("invalid-argument", `The graph has no ${kind} ${name}, only ${known}.`, {
    field: name,
  });
}

/** Binds the port's symbols to the sizes given, and refuses what does not fit. */
export function checkTensor(
  kind: "input" | "output",
  port: Port,
  { shape, values }: Tensor,
  sizes: Map<string, number>,
): void {
  const { name, dtype } = port;
  if (!(values instanceof carriers[dtype].array)) {
    throw new FacetError(
      "shape-mismatch",
      `The ${kind} ${name} is ${dtype}, a ${carriers[dtype].array.name}, and got a ${values.constructor.name}.`,
      { field: name },
    );
  }
  if (values.length !== elementCount(shape)) {
    throw new FacetError(
      "shape-mismatch",
      `The ${kind} ${name} got ${values.length} values for ${shapeText(shape)}.`,
      { field: name },
    );
  }
  const fits =
    shape.length === port.shape.length &&
    port.shape.every((size, axis) => fitsSize(size, shape[axis] ?? -1, sizes));
  if (!fits) {
    const own = new Set(port.shape.flatMap((size) => symbolsOf(size)));
    const known = Array.from(own, (symbol) => `${symbol} = ${sizes.get(symbol) ?? "?"}`).join(", ");
    throw new FacetError(
      "shape-mismatch",
      `The ${kind} ${name} is ${shapeText(port.shape)} and got ${shapeText(shape)}${known === "" ? "" : ` (${known})`}.`,
      { field: name },
    );
  }
}

function fitsSize(size: Dimension, actual: number, sizes: Map<string, number>): boolean {
  if (typeof size === "number") return size === actual;
  // A bare symbol is its own text; of those a network that takes LoRAs has thousands.
  const known = sizes.get(size.text);
  if (known !== undefined) return known === actual;
  if (symbolsOf(size).every((symbol) => sizes.has(symbol)))
    return evaluateDimension(size, sizes) === actual;
  const solution = solveDimension(size, actual, sizes);
  // Sizes computed from symbols that no input has shown yet are left to the runtime.
  if (solution === undefined) return true;
  if (!Number.isInteger(solution.value) || solution.value < 0) return false;
  sizes.set(solution.name, solution.value);
  return true;
}
