/** Look-ups by index. */
import { make } from "../make.ts";
import type { Node } from "../node.ts";

/** Rows of a table [rows, ...] by indices of any shape. */
export function gather(table: Node, indices: Node): Node {
  return make("gather", [table, indices], {});
}

/** The transpose of `gather` in its table: rows summed into `count` rows of zeros. */
export function scatterAdd(indices: Node, rows: Node, count: number): Node {
  return make("scatterAdd", [indices, rows], { count });
}

export function oneHot(indices: Node, depth: number): Node {
  return make("oneHot", [indices], { depth });
}
