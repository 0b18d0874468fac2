/** torch.nn.LayerNorm and GroupNorm. */
import { add, multiply, normalize, reshape } from "../build/index.ts";
import { times } from "../dimension.ts";
import type { Node } from "../node.ts";
import { sizeOf } from "../shape.ts";
import { alongChannels } from "./convolution.ts";
import { ones, zeros } from "./initial.ts";
import type { Parameters } from "./parameters.ts";
import { share, sizeAt } from "./sizes.ts";

/** Over the last axis; `weight` and `bias` of its size. */
export function layerNorm(parameters: Parameters, x: Node, { epsilon = 1e-5 } = {}): Node {
  const width = sizeAt("layerNorm", x, -1);
  const scaled = multiply(normalize(x, epsilon), parameters("weight", [width], ones));
  return add(scaled, parameters("bias", [width], zeros));
}

/** x [n, c, ...spatial], normalised over each group of channels and all places; `weight` and `bias` [c]. */
export function groupNorm(
  parameters: Parameters,
  x: Node,
  { groups = 32, epsilon = 1e-5 } = {},
): Node {
  const channels = sizeAt("groupNorm", x, 1);
  const [n = 0, , ...spatial] = x.shape;
  const members = times(share("groupNorm", x, channels, groups), sizeOf(spatial));
  const normal = reshape(normalize(reshape(x, [n, groups, members]), epsilon), x.shape);
  const scaled = multiply(normal, alongChannels(parameters("weight", [channels], ones), x));
  return add(scaled, alongChannels(parameters("bias", [channels], zeros), x));
}
