/** Products: matrices, convolutions, attention. */
import { make } from "../make.ts";
import type { Node } from "../node.ts";
import type { Dimension } from "../dimension.ts";
import type { Window } from "../operators.ts";

/** [..., m, k] x [..., k, n]. A transposed operand is taken as it lies, without being moved. */
export function matmul(
  left: Node,
  right: Node,
  { transposeLeft = false, transposeRight = false } = {},
): Node {
  return make("matmul", [left, right], { transposeLeft, transposeRight });
}

/** A window with one number for all axes, or one for each. */
export interface WindowOptions {
  readonly stride?: number;
  /** On both sides of each axis, or [before, after] of each. */
  readonly padding?:
    | number
    | { readonly before: readonly number[]; readonly after: readonly number[] };
  readonly dilation?: number;
  readonly groups?: number;
}

export function windowOf(spatialAxes: number, options: WindowOptions = {}): Window {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const each = (value: number) => Array.from({ length: spatialAxes }, () => value);
  const { before, after } =
    typeof padding === "number" ? { before: each(padding), after: each(padding) } : padding;
  return { strides: each(stride), before, after, dilations: each(dilation), groups };
}

/** x [n, c, ...spatial], w [out, c / groups, ...kernel]: cross-correlation, as every framework's convolution. */
export function convolve(x: Node, w: Node, options: WindowOptions = {}): Node {
  return convolveBy(x, w, windowOf(w.shape.length - 2, options));
}

/** As `convolve`, with everything said for each axis. */
export function convolveBy(x: Node, w: Node, window: Window): Node {
  return make("convolve", [x, w], window);
}

/** The transpose of `convolve` in its first operand; `spatial` is what it gives. */
export function convolveTransposed(
  y: Node,
  w: Node,
  spatial: readonly Dimension[],
  window: Window,
): Node {
  return make("convolveTransposed", [y, w], { ...window, spatial });
}

/** softmax(scale q k^T + mask) v; heads are a leading axis. */
export function attention(q: Node, k: Node, v: Node, scale: number, mask?: Node): Node {
  return make("attention", mask ? [q, k, v, mask] : [q, k, v], { scale });
}
