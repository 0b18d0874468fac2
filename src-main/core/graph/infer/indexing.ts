/** Shapes and types of look-ups by index. */
import type { Signature } from "../node.ts";
import { sameShape, shapeText } from "../shape.ts";
import { type InferRule, needIntegers, operands, refuse } from "./rule.ts";

function needIndices({ dtype }: Signature): void {
  if (dtype !== "I32" && dtype !== "I64") refuse(`indices are I32 or I64, not ${dtype}`);
}

export const indexing = {
  gather: (inputs) => {
    const [table, indices] = operands(inputs, 2);
    needIndices(indices);
    if (table.shape.length === 0) refuse("the table is a scalar");
    return { dtype: table.dtype, shape: [...indices.shape, ...table.shape.slice(1)] };
  },
  scatterAdd: (inputs, { count }) => {
    const [indices, rows] = operands(inputs, 2);
    needIndices(indices);
    if (rows.dtype === "BOOL") refuse("needs numbers, not BOOL");
    needIntegers("the count of rows is", [count], 0);
    const lead = indices.shape.length;
    if (!sameShape(rows.shape.slice(0, lead), indices.shape))
      refuse(`the rows do not begin with the indices' shape ${shapeText(indices.shape)}`);
    return { dtype: rows.dtype, shape: [count, ...rows.shape.slice(lead)] };
  },
  oneHot: (inputs, { depth }) => {
    const [indices] = operands(inputs, 1);
    needIndices(indices);
    needIntegers("the depth is", [depth], 0);
    return { dtype: "F32", shape: [...indices.shape, depth] };
  },
} satisfies { [O in "gather" | "scatterAdd" | "oneHot"]: InferRule<O> };
