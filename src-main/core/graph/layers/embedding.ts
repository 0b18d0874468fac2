/** Vectors for indices and for times. */
import { concat, constant, cos, gather, multiply, reshape, silu, sin } from "../build/index.ts";
import type { Node } from "../node.ts";
import { linear } from "./linear.ts";
import { type Parameters, within } from "./parameters.ts";

/** torch.nn.Embedding: indices of any shape -> [...indices, width]; `weight` [count, width]. */
export function embedding(
  parameters: Parameters,
  indices: Node,
  count: number,
  width: number,
): Node {
  return gather(parameters("weight", [count, width], { kind: "normal", deviation: 1 }), indices);
}

/** Longest period over 2 pi, as in DDPM and every network since. */
const longest = 10_000;

/** times [n] -> [n, width], cosines before sines (diffusers' `Timesteps` with flip_sin_to_cos and no shift). */
export function sinusoidalEmbedding(times: Node, width: number): Node {
  const half = width / 2;
  const frequencies = Float32Array.from({ length: half }, (_, index) =>
    Math.exp((-Math.log(longest) * index) / half),
  );
  const angles = multiply(reshape(times, [...times.shape, 1]), constant(frequencies, [half]));
  return concat([cos(angles), sin(angles)], -1);
}

/** diffusers' TimestepEmbedding: two linear layers around SiLU. */
export function timeEmbedding(parameters: Parameters, x: Node, width: number): Node {
  const first = silu(linear(within(parameters, "linear_1"), x, width));
  return linear(within(parameters, "linear_2"), first, width);
}
