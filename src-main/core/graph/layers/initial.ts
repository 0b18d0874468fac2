/** What parameters begin with, as torch's modules do. */
import { elementCount } from "../../tensor/dtype.ts";
import type { Random } from "../../tensor/random.ts";

export type Initial =
  /** Even over [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "constant"; readonly value: number };

export const zeros: Initial = { kind: "constant", value: 0 };
export const ones: Initial = { kind: "constant", value: 1 };

/** torch's `Linear` and `Conv`, weight and bias alike: Kaiming's bound with a = sqrt(5). */
export function fanIn(inputs: number): Initial {
  return { kind: "uniform", bound: 1 / Math.sqrt(inputs) };
}

export function initialValues(
  initial: Initial,
  shape: readonly number[],
  random: Random,
): Float32Array {
  const values = new Float32Array(elementCount(shape));
  switch (initial.kind) {
    case "uniform":
      return values.map(() => initial.bound * (2 * random.uniform() - 1));
    case "normal":
      return values.map(() => initial.deviation * random.normal());
    case "constant":
      return values.fill(initial.value);
  }
}
