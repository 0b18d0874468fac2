/** Values of look-ups by index. */
import { assert } from "../../../src-main/core/errors.ts";
import type { EvaluateRule } from "./rule.ts";
import { at, fill, type Tensor64 } from "./tensor.ts";

/** The row that each index names. */
function rowsOf({ values }: Tensor64, count: number): number[] {
  return Array.from(values, (row) => {
    assert(Number.isInteger(row) && row >= 0 && row < count, `row ${row} of ${count}`);
    return row;
  });
}

export const indexing = {
  gather: ({ input }) => {
    const [table, places] = [input(0), input(1)];
    const [count = 0] = table.shape;
    const width = table.values.length / count;
    const rows = rowsOf(places, count);
    const values = new Float64Array(rows.length * width);
    rows.forEach((row, place) => {
      values.set(table.values.subarray(row * width, (row + 1) * width), place * width);
    });
    return values;
  },
  scatterAdd: ({ input, shape, parameters: { count } }) => {
    const [places, rows] = [input(0), input(1)];
    const table = fill(shape, () => 0);
    const width = table.length / count;
    rowsOf(places, count).forEach((row, place) => {
      for (let column = 0; column < width; column++) {
        const to = row * width + column;
        table[to] = (table[to] ?? 0) + (rows.values[place * width + column] ?? 0);
      }
    });
    return table;
  },
  oneHot: ({ input, shape }) =>
    fill(shape, (index) => Number(at(input(0), index.slice(0, -1)) === index.at(-1))),
} satisfies { [O in "gather" | "scatterAdd" | "oneHot"]: EvaluateRule<O> };
