/** Random inputs of random shapes, some of whose sizes are symbols with two values. */
import type { Dimension } from "../../../src-main/core/graph/dimension.ts";
import { symbol } from "../../../src-main/core/graph/dimension.ts";
import { input } from "../../../src-main/core/graph/build/index.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import type { GraphDType } from "../../../src-main/core/graph/operators.ts";
import { evaluateShape, type Shape } from "../../../src-main/core/graph/shape.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { decodeBfloat16, encodeBfloat16 } from "../../../src-main/core/tensor/halves.ts";
import { seededRandom } from "../../../src-main/core/tensor/random.ts";
import type { Tensor, Values } from "../../../src-main/engine/session.ts";
import type { Tensor64 } from "../evaluate/tensor.ts";

export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Feeds {
  readonly tensors: Record<string, Tensor>;
  /** The same numbers for the evaluator. */
  readonly reference: Record<string, Tensor64>;
}

interface Drawn {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: GraphDType;
  readonly range: Range;
}

export class Draw {
  readonly random;
  readonly #symbolic: boolean;
  readonly #inputs: Drawn[] = [];
  readonly #bindings: readonly [Map<string, number>, Map<string, number>] = [new Map(), new Map()];

  constructor(seed: number, symbolic: boolean) {
    this.random = seededRandom(seed);
    this.#symbolic = symbolic;
  }

  binding(which: 0 | 1): ReadonlyMap<string, number> {
    return this.#bindings[which];
  }

  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  /** From `least` to five more. */
  size(least = 1): number {
    return least + this.random.below(5);
  }

  dimension(least = 1): Dimension {
    if (!this.#symbolic || this.chance(0.3)) return this.size(least);
    const name = `s${this.#bindings[0].size}`;
    for (const binding of this.#bindings) binding.set(name, this.size(least));
    return symbol(name);
  }

  shape(rank = this.random.below(5), least = 1): Dimension[] {
    return Array.from({ length: rank }, () => this.dimension(least));
  }

  input(shape: Shape, dtype: GraphDType, range: Range = { low: -2, high: 2 }): Node {
    const name = `x${this.#inputs.length}`;
    this.#inputs.push({ name, shape, dtype, range });
    return input(name, shape, dtype);
  }

  /** Values for everything drawn, under the first or the second sizes of the symbols. */
  feeds(which: 0 | 1): Feeds {
    const feeds: Feeds = { tensors: {}, reference: {} };
    for (const { name, shape, dtype, range } of this.#inputs) {
      const sizes = evaluateShape(shape, this.#bindings[which]);
      const values = this.#values(elementCount(sizes), dtype, range);
      feeds.tensors[name] = { shape: sizes, values };
      feeds.reference[name] = { shape: sizes, values: toFloat64(values) };
    }
    return feeds;
  }

  #values(count: number, dtype: GraphDType, { low, high }: Range): Values {
    const wide = Float32Array.from(
      { length: count },
      () => low + (high - low) * this.random.uniform(),
    );
    const whole = () => wide.map((value) => Math.floor(value));
    switch (dtype) {
      case "F32":
        return wide;
      case "F16":
        return new Float16Array(wide);
      case "BF16": {
        const bits = new Uint16Array(count);
        encodeBfloat16(wide, bits);
        decodeBfloat16(bits, wide);
        return wide;
      }
      case "I32":
        return new Int32Array(whole());
      case "I64":
        return new BigInt64Array(Array.from(whole(), BigInt));
      case "BOOL":
        return Uint8Array.from(wide, (value) => (value > 0 ? 1 : 0));
    }
  }
}

export function toFloat64(values: Values): Float64Array {
  return Float64Array.from(Array.from(values as Iterable<number | bigint>, Number));
}
