/** The signature of every operator's result. */
import type { Operator } from "../operators.ts";
import { contraction } from "./contraction.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { layout } from "./layout.ts";
import { leaves } from "./leaves.ts";
import { reduction } from "./reduction.ts";
import type { InferRule } from "./rule.ts";

export const inferRules: { readonly [O in Operator]: InferRule<O> } = {
  ...leaves,
  ...elementwise,
  ...contraction,
  ...reduction,
  ...layout,
  ...indexing,
};
