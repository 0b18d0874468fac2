/** Sizes that a layer needs as numbers: they are those of its parameters. */
import { FacetError } from "../../errors.ts";
import type { Node } from "../node.ts";
import { axisFromFront, shapeText } from "../shape.ts";

/** The size of an axis; throws `shape-mismatch` where it is symbolic or missing. */
export function sizeAt(layer: string, x: Node, axis: number): number {
  const size = x.shape[axisFromFront(axis, x.shape.length)];
  if (typeof size === "number") return size;
  throw new FacetError(
    "shape-mismatch",
    `${layer}(${x.dtype} ${shapeText(x.shape)}): axis ${axis} must have a fixed size.`,
    { field: layer },
  );
}

/** `whole / parts`; throws `shape-mismatch` where it is no whole number. */
export function share(layer: string, x: Node, whole: number, parts: number): number {
  if (Number.isInteger(whole / parts)) return whole / parts;
  throw new FacetError(
    "shape-mismatch",
    `${layer}(${x.dtype} ${shapeText(x.shape)}): ${whole} channels cannot be shared among ${parts}.`,
    { field: layer },
  );
}
