/** Multi-head attention, to the same tokens or to others. */
import { attention as attend, reshape, transpose } from "../build/index.ts";
import type { Node } from "../node.ts";
import { linear } from "./linear.ts";
import { type Parameters, within } from "./parameters.ts";
import { share, sizeAt } from "./sizes.ts";

export interface AttentionOptions {
  readonly heads: number;
  /** What is attended to, [n, tokens, …]; x itself where absent. */
  readonly context?: Node;
  /** Added to the scores; broadcasts to [n, heads, tokens, tokens of the context]. */
  readonly mask?: Node;
  /** Whether the projections to queries, keys and values have biases. */
  readonly bias?: boolean;
  readonly names?: AttentionNames;
}

export interface AttentionNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly out: string;
}

/** Of diffusers' Attention. */
const diffusers: AttentionNames = { query: "to_q", key: "to_k", value: "to_v", out: "to_out.0" };

/** x [n, tokens, width] -> the same shape. */
export function attention(
  parameters: Parameters,
  x: Node,
  { heads, context = x, mask, bias = false, names = diffusers }: AttentionOptions,
): Node {
  const width = sizeAt("attention", x, -1);
  const headWidth = share("attention", x, width, heads);
  // [n, heads, tokens, headWidth]
  const project = (name: string, from: Node): Node => {
    const [n = 0, tokens = 0] = from.shape;
    const projected = linear(within(parameters, name), from, width, { bias });
    return transpose(reshape(projected, [n, tokens, heads, headWidth]), [0, 2, 1, 3]);
  };
  const q = project(names.query, x);
  const k = project(names.key, context);
  const v = project(names.value, context);
  const mixed = attend(q, k, v, headWidth ** -0.5, mask);
  const joined = reshape(transpose(mixed, [0, 2, 1, 3]), x.shape);
  return linear(within(parameters, names.out), joined, width);
}
