/** Normal numbers as `torch.Generator().manual_seed(seed)` gives them on a CPU (ATen/native/cpu/DistributionTemplates.h). */
import { assert } from "../../errors.ts";
import { MersenneTwister } from "./mersenne-twister.ts";
import { logarithm, sineAndCosine } from "./single-precision.ts";

/** Torch transforms this many numbers at once, and tensors smaller than that one by one, by another rule. */
const BLOCK = 16;
const HALF = BLOCK / 2;
const TWO_PI = Math.fround(2 * Math.PI);

export class TorchGenerator {
  readonly #bits: MersenneTwister;
  /** The second of a pair that the rule for small tensors made. */
  #kept: number | undefined;

  constructor(seed: number) {
    assert(
      Number.isInteger(seed) && seed >= 0 && seed <= 2 ** 53,
      `a seed is a whole number to 2^53, found ${seed}`,
    );
    this.#bits = new MersenneTwister(seed);
  }

  /** `torch.randn(count, generator=this)` in float32; a tensor's shape makes no difference. */
  normal(count: number): Float32Array {
    const out = new Float32Array(count);
    if (count < BLOCK) {
      for (let i = 0; i < count; i++) out[i] = this.#one();
      return out;
    }
    this.#uniform(out);
    for (let at = 0; at + BLOCK <= count; at += BLOCK) transform(out.subarray(at, at + BLOCK));
    if (count % BLOCK !== 0) {
      // What is left is made anew with what precedes it, from 16 fresh numbers.
      const last = out.subarray(count - BLOCK);
      this.#uniform(last);
      transform(last);
    }
    return out;
  }

  #uniform(into: Float32Array): void {
    for (let i = 0; i < into.length; i++) into[i] = (this.#bits.next() & 0xffffff) / 2 ** 24;
  }

  /** In float64, two at a time, the second kept across calls. */
  #one(): number {
    if (this.#kept !== undefined) {
      const kept = this.#kept;
      this.#kept = undefined;
      return kept;
    }
    const angle = 2 * Math.PI * this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
    this.#kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #uniform53(): number {
    const high = this.#bits.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#bits.next()) / 2 ** 53;
  }
}

/** Box and Muller's transformation in place: eight radii, then eight angles. */
function transform(block: Float32Array): void {
  for (let i = 0; i < HALF; i++) {
    const radius = Math.fround(
      Math.sqrt(Math.fround(-2 * logarithm(Math.fround(1 - (block[i] ?? 0))))),
    );
    const { sine, cosine } = sineAndCosine(Math.fround(TWO_PI * (block[i + HALF] ?? 0)));
    block[i] = radius * cosine;
    block[i + HALF] = radius * sine;
  }
}
