/** The two linear layers of a transformer's block, plain or gated. */
import { gelu, multiply, slice } from "../build/index.ts";
import type { Node } from "../node.ts";
import { linear } from "./linear.ts";
import { type Parameters, within } from "./parameters.ts";
import { sizeAt } from "./sizes.ts";

export interface FeedForwardOptions {
  readonly hidden: number;
  readonly activation?: (x: Node) => Node;
}

/** `fc2(activation(fc1(x)))`, named as in transformers' CLIP. */
export function feedForward(
  parameters: Parameters,
  x: Node,
  { hidden, activation = gelu }: FeedForwardOptions,
): Node {
  const inner = activation(linear(within(parameters, "fc1"), x, hidden));
  return linear(within(parameters, "fc2"), inner, sizeAt("feedForward", x, -1));
}

/** GEGLU (Shazeer 2020, https://arxiv.org/abs/2002.05202), named as diffusers' FeedForward. */
export function gatedFeedForward(parameters: Parameters, x: Node, hidden: number): Node {
  const both = linear(within(parameters, "net.0.proj"), x, 2 * hidden);
  const inner = multiply(slice(both, -1, 0, hidden), gelu(slice(both, -1, hidden)));
  return linear(within(parameters, "net.2"), inner, sizeAt("gatedFeedForward", x, -1));
}
