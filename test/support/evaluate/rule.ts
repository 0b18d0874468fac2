/** What a rule of the evaluator sees of its node. */
import type { Dimension } from "../../../src-main/core/graph/dimension.ts";
import type { Operator, OperatorParameters } from "../../../src-main/core/graph/operators.ts";
import type { Tensor64 } from "./tensor.ts";

export interface Told<O extends Operator> {
  readonly parameters: OperatorParameters[O];
  readonly inputs: readonly Tensor64[];
  input(index: number): Tensor64;
  /** Of the result. */
  readonly shape: readonly number[];
  /** A dimension under the sizes of the fed inputs. */
  size(dimension: Dimension): number;
  /** What an `input` is fed with. */
  fed(name: string): Tensor64;
}

/** Gives the values of the result. */
export type EvaluateRule<O extends Operator> = (told: Told<O>) => Float64Array;
