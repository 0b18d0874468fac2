/** Products: matrices and attention; convolutions stand in a file of their own. */
import type { Signature } from "../../graph/node.ts";
import type { OperatorParameters } from "../../graph/operators.ts";
import { type Emitter, float, integer, integers, microsoft } from "../emitter.ts";
import type { ProviderName } from "../target.ts";
import { convolution } from "./convolution.ts";
import type { LowerRule } from "./rule.ts";

interface ProductOptions {
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  readonly alpha?: number;
  readonly of: readonly Signature[];
}

/** Providers that read operands of a product as they lie; the others are given them transposed. */
const readTransposed: ReadonlySet<ProviderName> = new Set(["cpu", "cuda", "dml"]);

/** A product whose operands are taken as they lie where the provider's kernels read them transposed. */
function product(emitter: Emitter, operands: readonly string[], options: ProductOptions): string {
  const { transposeLeft = false, transposeRight = false, alpha = 1, of } = options;
  if (!transposeLeft && !transposeRight && alpha === 1) return emitter.node("MatMul", operands);
  if (!readTransposed.has(emitter.target.provider)) {
    const turned = operands.map((operand, index) =>
      (index === 0 ? transposeLeft : transposeRight)
        ? turnedMatrix(emitter, operand, of[index]?.shape.length ?? 2)
        : operand,
    );
    const plain = emitter.node("MatMul", turned);
    return alpha === 1
      ? plain
      : emitter.node("Mul", [plain, emitter.scalar(alpha, of[0]?.dtype ?? "F32")]);
  }
  const attributes = {
    transA: integer(transposeLeft ? 1 : 0),
    transB: integer(transposeRight ? 1 : 0),
    alpha: float(alpha),
  };
  return emitter.node("FusedMatMul", operands, attributes, { domain: microsoft });
}

/** Adds a product of two matrices to a third operand, which the graph has not; over no numbers at all it is a copy. */
function productOnto(
  emitter: Emitter,
  operands: readonly string[],
  { transposeLeft, transposeRight }: OperatorParameters["matmul"],
): string {
  return emitter.node("Gemm", operands, {
    transA: integer(transposeLeft ? 1 : 0),
    transB: integer(transposeRight ? 1 : 0),
  });
}

function turnedMatrix(emitter: Emitter, x: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const perm = integers([...axes.slice(0, -2), rank - 1, rank - 2]);
  return emitter.node("Transpose", [x], { perm });
}

/**
 * CUDA has a kernel that never holds the scores, for half floats of [batch, heads, length, width]. Where a build
 * lacks it, the runtime takes ONNX's own definition of the operator, which is the same in small steps.
 */
function isFlash({ target }: Emitter, inputs: readonly Signature[]): boolean {
  return (
    target.provider === "cuda" &&
    inputs.every(({ dtype }) => dtype === "F16" || dtype === "BF16") &&
    inputs.slice(0, 3).every(({ shape }) => shape.length === 4)
  );
}

export const contraction = {
  matmul: (emitter, operands, { inputs, parameters }) =>
    operands.length === 3
      ? productOnto(emitter, operands, parameters)
      : product(emitter, operands, { ...parameters, of: inputs }),
  ...convolution,
  attention: (emitter, operands, { inputs, parameters: { scale } }) => {
    const [q = "", k = "", v = "", mask] = operands;
    if (isFlash(emitter, inputs)) {
      emitter.needOpset(23);
      return emitter.node("Attention", operands, { scale: float(scale) });
    }
    const scores = product(emitter, [q, k], { transposeRight: true, alpha: scale, of: inputs });
    const masked = mask === undefined ? scores : emitter.node("Add", [scores, mask]);
    return emitter.node("MatMul", [emitter.node("Softmax", [masked], { axis: integer(-1) }), v]);
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: LowerRule<O>;
};
