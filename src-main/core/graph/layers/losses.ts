/** What networks are trained to make small; each gives one number, of shape [1, ..., 1]. */
import {
  logSoftmax,
  mean,
  multiply,
  negate,
  oneHot,
  square,
  subtract,
  sum,
} from "../build/index.ts";
import type { Node } from "../node.ts";
import { sizeAt } from "./sizes.ts";

export function meanSquaredError(x: Node, target: Node): Node {
  return mean(square(subtract(x, target)));
}

/** logits [..., classes] and the index of each right class [...]; the mean over all. */
export function crossEntropy(logits: Node, classes: Node): Node {
  const chosen = oneHot(classes, sizeAt("crossEntropy", logits, -1));
  return negate(mean(sum(multiply(chosen, logSoftmax(logits)), [-1])));
}
