/** A language model of pre-norm transformer layers. */
import { add, constant } from "../../../src-main/core/graph/build/index.ts";
import {
  attention,
  crossEntropy,
  embedding,
  feedForward,
  layerNorm,
  linear,
  within,
} from "../../../src-main/core/graph/layers/index.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import { given, type Network, type Size } from "./network.ts";

const sizes = {
  full: { batch: 16, tokens: 128, width: 512, layers: 8, heads: 8, words: 512, causal: false },
  tiny: { batch: 2, tokens: 6, width: 16, layers: 2, heads: 2, words: 11, causal: true },
};

/** Large enough that the softmax gives exactly zero, small enough for half floats. */
const hidden = -60_000;

function causalMask(tokens: number): Node {
  const values = Float32Array.from({ length: tokens * tokens }, (_, at) =>
    at % tokens > Math.floor(at / tokens) ? hidden : 0,
  );
  return constant(values, [tokens, tokens]);
}

export function transformer(size: Size): Network {
  const { batch, tokens, width, layers, heads, words, causal } = sizes[size];
  return {
    name: "transformer",
    data: [
      { name: "tokens", shape: [batch, tokens], dtype: "I64", below: words },
      { name: "next", shape: [batch, tokens], dtype: "I64", below: words },
    ],
    forward: (parameters, data) => {
      const part = (path: string) => within(parameters, path);
      const mask = causal ? { mask: causalMask(tokens) } : {};
      let h = embedding(part("tokens"), given(data["tokens"]), words, width);
      h = add(h, parameters("positions", [tokens, width], { kind: "normal", deviation: 0.02 }));
      for (let index = 0; index < layers; index++) {
        const layer = (path: string) => part(`layers.${index}.${path}`);
        h = add(h, attention(layer("attn"), layerNorm(layer("norm1"), h), { heads, ...mask }));
        h = add(h, feedForward(layer("mlp"), layerNorm(layer("norm2"), h), { hidden: 4 * width }));
      }
      return linear(part("head"), layerNorm(part("norm"), h), words);
    },
    loss: (forward, { next }) => crossEntropy(forward, given(next)),
  };
}
