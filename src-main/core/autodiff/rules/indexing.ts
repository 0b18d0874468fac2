/** Gradients of look-ups by index: none in the index. */
import { FacetError } from "../../errors.ts";
import { gather, scatterAdd } from "../../graph/build/index.ts";
import type { Dimension } from "../../graph/dimension.ts";
import type { Differentiation } from "../rule.ts";

function fixed(rows: Dimension): number {
  if (typeof rows === "number") return rows;
  throw new FacetError(
    "unsupported",
    `gather from a table of ${rows.text} rows has no gradient: give the table a number of rows.`,
    { field: "gather" },
  );
}

export const indexing = {
  gather: ({ input, gradient }) => [
    () => scatterAdd(input(1), gradient, fixed(input(0).shape[0] ?? 0)),
    null,
  ],
  scatterAdd: ({ input, gradient }) => [null, () => gather(gradient, input(0))],
  oneHot: { because: "an index is an integer" },
} satisfies { [O in "gather" | "scatterAdd" | "oneHot"]: Differentiation<O> };
