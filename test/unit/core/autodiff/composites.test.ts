/** Gradients through what networks and losses are built of, against differences of values. */
import { expect, it } from "vitest";
import { gradients } from "../../../../src-main/core/autodiff/gradients.ts";
import {
  absolute,
  acos,
  add,
  attention,
  cos,
  divide,
  exp,
  gelu,
  matmul,
  maximum,
  mean,
  multiply,
  oneHot,
  power,
  quickGelu,
  sin,
  slice,
  softmax,
  sqrt,
  square,
  subtract,
  sum,
  tanh,
  where,
  cast,
  less,
  log,
} from "../../../../src-main/core/graph/build/index.ts";
import * as layers from "../../../../src-main/core/graph/layers/index.ts";
import type { Node } from "../../../../src-main/core/graph/node.ts";
import { Draw } from "../../../support/operators/draw.ts";
import { floatInputs, gradientError, probed } from "../../../support/evaluate/gradcheck.ts";
import type { Feeds } from "../../../support/evaluate/evaluate.ts";
import { evaluateShape } from "../../../../src-main/core/graph/shape.ts";
import { elementCount } from "../../../../src-main/core/tensor/dtype.ts";

type Composite = (draw: Draw, parameters: layers.Parameters) => Node;

const unit = { low: -1, high: 1 };

/** x / |x| along the last axis. */
function normalized(x: Node): Node {
  return divide(x, sqrt(sum(square(x), [-1])));
}

/** Additive angular margin (ArcFace, arXiv 1801.07698, equation 3), with its fallback where theta + m passes pi. */
function arcFace(features: Node, centres: Node, classes: Node, count: number): Node {
  const [scale, margin] = [4, 0.5];
  const cosine = matmul(normalized(features), normalized(centres), { transposeRight: true });
  const theta = acos(multiply(0.999, cosine));
  const far = less(Math.PI - margin, theta);
  const moved = where(far, subtract(cosine, margin * Math.sin(margin)), cos(add(theta, margin)));
  const chosen = cast(oneHot(classes, count), "BOOL");
  return layers.crossEntropy(multiply(scale, where(chosen, moved, cosine)), classes);
}

const composites: Record<string, Composite> = {
  "a linear layer over symbolic leading axes": (draw, parameters) =>
    layers.linear(parameters, draw.input([...draw.shape(2), 4], "F32"), 3),
  "layer norm": (draw, parameters) =>
    layers.layerNorm(parameters, draw.input([draw.dimension(), draw.dimension(), 5], "F32")),
  "group norm over one axis": (draw, parameters) =>
    layers.groupNorm(parameters, draw.input([draw.dimension(), 6, draw.dimension(2)], "F32"), {
      groups: 3,
    }),
  "group norm over two axes": (draw, parameters) =>
    layers.groupNorm(
      parameters,
      draw.input([draw.dimension(), 4, draw.dimension(2), draw.dimension()], "F32"),
      { groups: 2 },
    ),
  "convolution with strides, dilation, groups": (draw, parameters) =>
    layers.convolution(parameters, draw.input([draw.dimension(), 4, draw.dimension(6)], "F32"), 6, {
      kernel: 3,
      stride: 2,
      dilation: 2,
      padding: 1,
      groups: 2,
    }),
  "convolution over two axes": (draw, parameters) =>
    layers.convolution(parameters, draw.input([2, 3, ...draw.shape(2, 4)], "F32"), 4, {
      kernel: 3,
      stride: 2,
      padding: 1,
    }),
  "a convolution of kernel 1": (draw, parameters) =>
    layers.convolution(parameters, draw.input([...draw.shape(1), 3, ...draw.shape(2)], "F32"), 2, {
      kernel: 1,
    }),
  "down and up again": (draw, parameters) => {
    const x = draw.input([draw.dimension(), 2, 6, 4], "F32");
    const down = layers.downsampled(layers.within(parameters, "down"), x);
    return add(layers.upsampled(layers.within(parameters, "up"), down), x);
  },
  "up along a line": (draw, parameters) =>
    layers.upsampled(parameters, draw.input([draw.dimension(), 2, draw.dimension()], "F32")),
  "self attention with a causal mask": (draw, parameters) => {
    const x = draw.input([draw.dimension(), 3, 4], "F32");
    return layers.attention(parameters, x, {
      heads: 2,
      mask: draw.input([3, 3], "F32"),
      bias: true,
    });
  },
  "cross attention": (draw, parameters) => {
    const n = draw.dimension();
    const context = draw.input([n, draw.dimension(), 3], "F32");
    return layers.attention(parameters, draw.input([n, draw.dimension(), 4], "F32"), {
      heads: 2,
      context,
    });
  },
  "attention whose keys serve all heads": (draw) => {
    const [length, keys] = [draw.dimension(), draw.dimension()];
    const q = draw.input([2, 3, length, 4], "F32");
    const k = draw.input([2, 1, keys, 4], "F32");
    const v = draw.input([keys, 5], "F32");
    return attention(q, k, v, 0.3, draw.input([3, 1, keys], "F32"));
  },
  "a gated feed-forward layer": (draw, parameters) =>
    layers.gatedFeedForward(parameters, draw.input([...draw.shape(2), 3], "F32"), 4),
  "a feed-forward layer with quick GELU": (draw, parameters) =>
    layers.feedForward(parameters, draw.input([draw.dimension(), 3], "F32"), {
      hidden: 5,
      activation: quickGelu,
    }),
  "a residual block with times": (draw, parameters) =>
    layers.resnetBlock(parameters, draw.input([2, 4, ...draw.shape(2)], "F32"), {
      out: 6,
      time: draw.input([2, 3], "F32"),
      groups: 2,
    }),
  "a transformer block": (draw, parameters) =>
    layers.transformerBlock(parameters, draw.input([2, draw.dimension(), 4], "F32"), {
      heads: 2,
      context: draw.input([2, draw.dimension(), 3], "F32"),
    }),
  "an embedding of times": (draw, parameters) =>
    layers.timeEmbedding(
      parameters,
      layers.sinusoidalEmbedding(draw.input([draw.dimension()], "F32"), 6),
      4,
    ),
  "an embedding, then cross entropy": (draw, parameters) => {
    const tokens = draw.input([draw.dimension(), draw.dimension()], "I64", { low: 0, high: 5 });
    const hidden = layers.embedding(layers.within(parameters, "in"), tokens, 5, 3);
    const logits = layers.linear(layers.within(parameters, "out"), tanh(hidden), 5);
    return layers.crossEntropy(logits, tokens);
  },
  "mean squared error": (draw) => {
    const shape = draw.shape(3);
    return layers.meanSquaredError(draw.input(shape, "F32"), draw.input(shape, "F32"));
  },
  "soft cross entropy": (draw) => {
    const shape = draw.shape(2);
    const target = softmax(draw.input(shape, "F32"));
    const logits = draw.input(shape, "F32");
    return mean(multiply(target, subtract(log(sum(exp(logits), [-1])), logits)));
  },
  "an angular margin": (draw) => {
    const n = draw.dimension();
    return arcFace(
      draw.input([n, 6], "F32"),
      draw.input([4, 6], "F32"),
      draw.input([n], "I64", { low: 0, high: 4 }),
      4,
    );
  },
  "a cosine distance": (draw) => {
    const shape = [draw.dimension(), 5];
    const [x, y] = [draw.input(shape, "F32"), draw.input(shape, "F32")];
    return subtract(1, sum(multiply(normalized(x), normalized(y)), [-1]));
  },
  "a hinge": (draw) => mean(square(maximum(subtract(draw.input([7], "F32", unit), 5), 0.25))),
  "constant exponents": (draw) => {
    const x = draw.input([6], "F32", { low: 0.5, high: 2 });
    const negative = subtract(0, x);
    return [power(x, 0.5), power(x, -1), power(negative, 2), power(negative, 3)].reduce((a, b) =>
      add(a, b),
    );
  },
  "powers of a number": (draw) => power(1.7, draw.input(draw.shape(), "F32")),
  "one operand twice": (draw) => {
    const x = draw.input(draw.shape(2), "F32");
    return multiply(sin(x), add(x, multiply(x, x)));
  },
  "slices that overlap, and slices that leave gaps": (draw) => {
    const x = draw.input([2, 6], "F32");
    const parts = [slice(x, 1, 0, 3), slice(x, 1, 2, 5), slice(slice(x, 1, 3, 6), 0, 1)];
    return parts.reduce((total, part) => add(total, sum(square(part))), sum(x));
  },
  "a low-rank adapter": (draw, parameters) => {
    const x = draw.input([draw.dimension(), 5], "F32");
    const part = (name: string) => layers.within(parameters, name);
    const low = layers.linear(part("down"), x, 2, { bias: false });
    const delta = layers.linear(part("up"), low, 4, { bias: false });
    return gelu(add(layers.linear(part("base"), x, 4), multiply(0.5, delta)));
  },
  "a gradient's size, as gradient penalties have it": (draw, parameters) => {
    const x = draw.input([draw.dimension(), 3], "F32");
    const hidden = tanh(layers.linear(layers.within(parameters, "in"), x, 4));
    const score = sum(layers.linear(layers.within(parameters, "out"), hidden, 1));
    const [slope] = gradients(score, [x]);
    return slope ? mean(square(subtract(sqrt(sum(square(slope), [-1])), 1))) : x;
  },
  "a convolution's gradient's size": (draw, parameters) => {
    const x = draw.input([2, 2, 5], "F32");
    const y = layers.convolution(parameters, x, 3, { kernel: 3, stride: 2, padding: 1 });
    const [slope] = gradients(sum(square(y)), [x]);
    return slope ? sum(square(slope)) : x;
  },
  "the absolute error": (draw) =>
    mean(
      absolute(subtract(draw.input([5], "F32", unit), draw.input([5], "F32", { low: 2, high: 3 }))),
    ),
};

function feedsOf(node: Node, draw: Draw): Feeds {
  const shape = evaluateShape(node.shape, draw.binding(0));
  const values = new Float64Array(elementCount(shape)).map(() => draw.random.normal());
  return { ...draw.feeds(0).reference, probe: { shape, values } };
}

it.each(Object.entries(composites))("%s", (name, composite) => {
  for (let round = 0; round < 8; round++) {
    const draw = new Draw(7000 + round, round % 2 === 1);
    const node = composite(draw, (_, shape) => draw.input(shape, "F32", unit));
    const inputs = floatInputs(node);
    const error = gradientError(probed(node), inputs, feedsOf(node, draw), draw.random);
    expect(error, `${name}, round ${round}`).toBeLessThan(1e-7);
  }
});
