/** How every operator passes gradients back. */
import type { Operator } from "../../graph/operators.ts";
import type { Differentiation } from "../rule.ts";
import { contraction } from "./contraction.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { layout } from "./layout.ts";
import { leaves } from "./leaves.ts";
import { reduction } from "./reduction.ts";

export const gradientRules: { readonly [O in Operator]: Differentiation<O> } = {
  ...leaves,
  ...elementwise,
  ...contraction,
  ...reduction,
  ...layout,
  ...indexing,
};
