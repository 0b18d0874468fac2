/** What diffusion's UNets are built of, named as in diffusers. */
import { add, reshape, silu, transpose } from "../build/index.ts";
import { times } from "../dimension.ts";
import type { Node } from "../node.ts";
import { attention } from "./attention.ts";
import { alongChannels, convolution } from "./convolution.ts";
import { gatedFeedForward } from "./feed-forward.ts";
import { linear } from "./linear.ts";
import { groupNorm, layerNorm } from "./normalization.ts";
import { type Parameters, withAdapter, within } from "./parameters.ts";
import { sizeAt } from "./sizes.ts";

export interface ResnetOptions {
  readonly out: number;
  /** Of the times, [n, width]; none in a VAE. */
  readonly time?: Node;
  readonly groups?: number;
  readonly epsilon?: number;
}

/** ResnetBlock2D, also over one spatial axis. */
export function resnetBlock(
  parameters: Parameters,
  x: Node,
  { out, time, groups = 32, epsilon = 1e-5 }: ResnetOptions,
): Node {
  const part = (name: string) => within(parameters, name);
  const same = { kernel: 3, padding: 1 };
  const first = silu(groupNorm(part("norm1"), x, { groups, epsilon }));
  let inner = convolution(part("conv1"), first, out, same);
  if (time)
    inner = add(inner, alongChannels(linear(part("time_emb_proj"), silu(time), out), inner));
  const second = silu(groupNorm(part("norm2"), inner, { groups, epsilon }));
  const residual = convolution(part("conv2"), second, out, same);
  const shortcut =
    sizeAt("resnetBlock", x, 1) === out
      ? x
      : convolution(part("conv_shortcut"), x, out, { kernel: 1 });
  return add(shortcut, residual);
}

/** BasicTransformerBlock: x [n, tokens, width] attends to itself, then to the context, then GEGLU. */
export function transformerBlock(
  parameters: Parameters,
  x: Node,
  { heads, context }: { heads: number; context: Node },
): Node {
  const part = (name: string) => within(parameters, name);
  const alone = add(attention(part("attn1"), layerNorm(part("norm1"), x), { heads }), x);
  const told = add(
    attention(part("attn2"), layerNorm(part("norm2"), alone), { heads, context }),
    alone,
  );
  const hidden = 4 * sizeAt("transformerBlock", x, -1);
  return add(gatedFeedForward(part("ff"), layerNorm(part("norm3"), told), hidden), told);
}

export interface SpatialTransformerOptions {
  readonly heads: number;
  /** [n, tokens, any width] */
  readonly context: Node;
  readonly depth?: number;
  readonly groups?: number;
  /** SD1.5's projections are stored as 1x1 convolutions: the same products by weights of another shape. */
  readonly projection?: "linear" | "convolution";
}

/** Transformer2DModel: the places of x [n, c, h, w] are its tokens. */
export function spatialTransformer(
  parameters: Parameters,
  x: Node,
  { heads, context, depth = 1, groups = 32, projection = "linear" }: SpatialTransformerOptions,
): Node {
  const [n = 0, , height = 0, width = 0] = x.shape;
  const channels = sizeAt("spatialTransformer", x, 1);
  const normal = groupNorm(within(parameters, "norm"), x, { groups, epsilon: 1e-6 });
  const places = times(height, width);
  const project = (name: string, from: Node): Node => {
    const part = within(parameters, name);
    return linear(projection === "linear" ? part : asConvolution(part), from, channels);
  };
  // [n, places, channels]
  let tokens = transpose(reshape(normal, [n, channels, places]), [0, 2, 1]);
  tokens = project("proj_in", tokens);
  for (let index = 0; index < depth; index++) {
    const block = within(parameters, `transformer_blocks.${index}`);
    tokens = transformerBlock(block, tokens, { heads, context });
  }
  tokens = project("proj_out", tokens);
  return add(reshape(transpose(tokens, [0, 2, 1]), x.shape), x);
}

/** Weights [out, in, 1, 1] for a layer that asks for [out, in]. */
function asConvolution(parameters: Parameters): Parameters {
  return withAdapter(
    (name, shape, initial) =>
      shape.length === 2
        ? reshape(parameters(name, [...shape, 1, 1], initial), shape)
        : parameters(name, shape, initial),
    parameters.adapter,
  );
}
