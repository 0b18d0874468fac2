/** The one place where broadcasting is undone. */
import { reshape, sum } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";
import type { Shape } from "../graph/shape.ts";

/** The gradient of an operand that was repeated: the sum over what it was repeated along. */
export function unbroadcast(gradient: Node, shape: Shape): Node {
  const added = gradient.shape.length - shape.length;
  const repeated = gradient.shape.flatMap((size, axis) =>
    axis < added || (shape[axis - added] === 1 && size !== 1) ? [axis] : [],
  );
  return reshape(repeated.length === 0 ? gradient : sum(gradient, repeated), shape);
}
