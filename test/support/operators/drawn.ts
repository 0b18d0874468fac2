/** A random case of an operator in a type that it may not take. */
import { FacetError } from "../../../src-main/core/errors.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import type { GraphDType, Operator } from "../../../src-main/core/graph/operators.ts";
import type { Draw } from "./draw.ts";
import { operatorCases } from "./operator-cases.ts";

/** Undefined where inference refuses what was drawn. */
export function drawn(operator: Operator, draw: Draw, dtype: GraphDType): Node | undefined {
  try {
    return operatorCases[operator](draw, dtype);
  } catch (error) {
    if (error instanceof FacetError && error.code === "shape-mismatch") return undefined;
    throw error;
  }
}
