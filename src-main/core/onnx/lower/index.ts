/** How every operator is computed by ONNX Runtime. */
import type { Operator } from "../../graph/operators.ts";
import { contraction } from "./contraction.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { layout } from "./layout.ts";
import { leaves } from "./leaves.ts";
import { reduction } from "./reduction.ts";
import type { LowerRule } from "./rule.ts";

export const lowerRules: { readonly [O in Operator]: LowerRule<O> } = {
  ...leaves,
  ...elementwise,
  ...contraction,
  ...reduction,
  ...layout,
  ...indexing,
};
