/** Ridge regression: the weights that tell targets from inputs, by the normal equations in float64. */
import { FacetError, assert } from "../errors.ts";
import { tallProducts } from "./large-gram.ts";
import { solvePositive } from "./positive.ts";
import type { Products } from "./products.ts";

export interface RidgeProblem {
  /** `[rows, columns]`. */
  readonly inputs: Float32Array;
  /** `[rows, targets]`. */
  readonly targets: Float32Array;
  readonly rows: number;
  /** Added to the squared lengths of all columns; the same as scikit-learn's alpha, without an intercept. */
  readonly alpha: number;
}

/** `[columns, targets]` W that minimises `|inputs W - targets|² + alpha |W|²`. */
export async function ridgeRegression(
  { inputs, targets, rows, alpha }: RidgeProblem,
  products: Products,
): Promise<Float64Array> {
  const columns = inputs.length / rows;
  const [gram, right] = await tallProducts(inputs, [inputs, targets], rows, products);
  assert(gram !== undefined && right !== undefined, "one result for each factor");
  if (!gram.every(Number.isFinite) || !right.every(Number.isFinite)) {
    throw new FacetError(
      "not-finite",
      `The ${String(rows)} x ${String(columns)} inputs or their targets hold NaN or infinity.`,
    );
  }
  return solvePositive(
    gram,
    right,
    { size: columns, columns: targets.length / rows, ridge: alpha },
    products,
  );
}
