/** Leaves have no operands: gradients end in them. */
import type { Differentiation } from "../rule.ts";

export const leaves = {
  input: { because: "it has no operands" },
  constant: { because: "it has no operands" },
  weight: { because: "it has no operands" },
} satisfies { [O in "input" | "constant" | "weight"]: Differentiation<O> };
