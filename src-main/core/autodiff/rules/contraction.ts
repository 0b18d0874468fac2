/** Gradients of products: matrices and attention; those of convolutions stand in a file of their own. */
import { add, matmul, multiply, reshape, softmax, subtract, sum } from "../../graph/build/index.ts";
import type { Node } from "../../graph/node.ts";
import { sizeOf } from "../../graph/shape.ts";
import type { Differentiation } from "../rule.ts";
import { convolution } from "./convolution.ts";

/** [..., m, k] as one [rows, k]. */
function rows(x: Node): Node {
  return reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1) ?? 1]);
}

export const contraction = {
  ...convolution,

  /** C = A B: dA = dC B^T and dB = A^T dC, each operand taken as it lies. */
  matmul: ({ input, gradient, parameters: { transposeLeft, transposeRight } }) => {
    const [left, right] = [input(0), input(1)];
    // One matrix for all rows: one product over all of them, where a sum over the batch would follow a product each.
    const shared = right.shape.length === 2 && left.shape.length > 2 && !transposeLeft;
    const [a, g] = shared ? [rows(left), rows(gradient)] : [left, gradient];
    return [
      transposeLeft
        ? () => matmul(right, gradient, { transposeLeft: transposeRight, transposeRight: true })
        : () => matmul(gradient, right, { transposeRight: !transposeRight }),
      transposeRight
        ? () => matmul(g, a, { transposeLeft: true, transposeRight: transposeLeft })
        : () => matmul(a, g, { transposeLeft: !transposeLeft }),
    ];
  },

  /**
   * The weights are computed again from q and k: keeping them would cost length^2 a head. The row sums of P dP are
   * those of y dy, as in FlashAttention (arXiv 2205.14135, appendix B.2).
   */
  attention: ({ input, inputs, output, gradient, parameters: { scale } }) => {
    const [q, k, v, mask] = [multiply(input(0), scale), input(1), input(2), inputs[3]];
    const products = matmul(q, k, { transposeRight: true });
    const weights = softmax(mask ? add(products, mask) : products);
    const ofWeights = matmul(gradient, v, { transposeRight: true });
    const rowSums = sum(multiply(output, gradient), [-1]);
    const ofScores = multiply(weights, subtract(ofWeights, rowSums));
    return [
      () => multiply(matmul(ofScores, k), scale),
      () => matmul(ofScores, q, { transposeLeft: true }),
      () => matmul(weights, gradient, { transposeLeft: true }),
      () => ofScores,
    ];
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: Differentiation<O>;
};
