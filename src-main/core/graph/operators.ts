/**
 * The closed list of operators with their parameters. What an operator does stands in tables keyed by this list
 * (infer, print, differentiate, lower), each total, so that the compiler names what a new operator lacks.
 */
import type { DType } from "../tensor/dtype.ts";
import type { Dimension } from "./dimension.ts";
import type { Shape } from "./shape.ts";

/** Element types that a graph computes in; stored ones that are not here are cast where they are read. */
export type GraphDType = Extract<DType, "F32" | "F16" | "BF16" | "I32" | "I64" | "BOOL">;

/** Values of a constant; one number is repeated to the shape. */
export type ConstantValues = number | Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** A byte range of a file, or the bytes themselves, little-endian, row-major. */
export type WeightSource =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

type None = Readonly<Record<string, never>>;

export interface Window {
  /** One for each spatial axis; the number of them is 1 or 2. */
  readonly strides: readonly number[];
  /** Zeros before and after each spatial axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
}

export interface OperatorParameters {
  // Leaves
  /** Given anew at each run. */
  input: { readonly name: string; readonly dtype: GraphDType; readonly shape: Shape };
  constant: { readonly values: ConstantValues; readonly dtype: GraphDType; readonly shape: Shape };
  /** Fixed for the life of a session: part of a checkpoint. */
  weight: {
    readonly name: string;
    readonly dtype: GraphDType;
    readonly shape: readonly number[];
    readonly source: WeightSource;
  };

  // Elementwise, one operand
  negate: None;
  exp: None;
  log: None;
  sqrt: None;
  sin: None;
  cos: None;
  acos: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  absolute: None;
  relu: None;
  /** x Phi(x), exact. */
  gelu: None;
  /** x sigmoid(alpha x): SiLU at 1, CLIP's quick GELU at 1.702. */
  swish: { readonly alpha: number };
  not: None;
  cast: { readonly to: GraphDType };

  // Elementwise, operands broadcast to each other
  add: None;
  subtract: None;
  multiply: None;
  divide: None;
  power: None;
  minimum: None;
  maximum: None;
  equal: None;
  less: None;
  and: None;
  /** (condition, where true, where false) */
  where: None;

  // Contractions
  /** [..., m, k] x [..., k, n]; a transposed operand lies as [..., k, m] or [..., n, k]. Leading axes broadcast. */
  matmul: { readonly transposeLeft: boolean; readonly transposeRight: boolean };
  /** (x [n, c, ...spatial], w [out, c / groups, ...kernel]) */
  convolve: Window;
  /** The transpose of `convolve` in x: (y [n, out, ...], w [out, c / groups, ...kernel]) -> [n, c, ...spatial] */
  convolveTransposed: Window & { readonly spatial: readonly Dimension[] };
  /** softmax(scale q k^T + mask) v over [..., length, width]; mask broadcasts to the scores. (q, k, v, mask?) */
  attention: { readonly scale: number };

  // Reductions and what is normalised by them
  sum: { readonly axes: readonly number[] };
  mean: { readonly axes: readonly number[] };
  /** Largest value. */
  largest: { readonly axes: readonly number[] };
  /** Place of the largest value, I64. */
  argmax: { readonly axis: number };
  softmax: { readonly axis: number };
  logSoftmax: { readonly axis: number };
  /** (x - mean) / sqrt(variance + epsilon) over the last axis. */
  normalize: { readonly epsilon: number };

  // Layout
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  /** `length` elements from `start` on along one axis, `step` apart; a negative step walks back from `start`. */
  slice: {
    readonly axis: number;
    readonly start: Dimension;
    readonly length: Dimension;
    readonly step: number;
  };
  /** Zeros before and after each axis. */
  pad: { readonly before: readonly number[]; readonly after: readonly number[] };
  concat: { readonly axis: number };
  /** Repeats axes of size 1. */
  expand: { readonly shape: Shape };
  /** Each pixel `scale` times along the last two axes. */
  upsample: { readonly scale: number };

  // By index
  /** (table [rows, ...], indices of any shape, I32 or I64) -> [...indices, ...rest] */
  gather: None;
  /** Sums rows into a table of zeros: (indices, rows [...indices, ...rest]) -> [count, ...rest] */
  scatterAdd: { readonly count: number };
  /** 1 where the last, new axis is the index. */
  oneHot: { readonly depth: number };

  /** The first operand, to be computed no earlier than the second: what a recomputed segment waits for. */
  after: None;
}

export type Operator = keyof OperatorParameters;
