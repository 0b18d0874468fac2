/**
 * Random numbers that are the same on every machine: xoshiro128** 1.1 seeded by SplitMix64.
 *
 * Both are by David Blackman and Sebastiano Vigna (https://prng.di.unimi.it, public domain); the tests hold their
 * published outputs. Normals are drawn by Marsaglia's polar method, whose acceptance needs only exactly rounded
 * operations, so that no machine ever takes another branch and leaves the sequence.
 */
import { assert } from "../errors.ts";

const golden = 0x9e3779b97f4a7c15n;

/** Output number `n` (from 0) of SplitMix64 started at `seed`. */
export function splitMix64(seed: bigint, n: number): bigint {
  let z = BigInt.asUintN(64, seed + BigInt(n + 1) * golden);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** One stream of random numbers. */
export class Random {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  /** The polar method makes two at a time. */
  #spare: number | undefined;

  /** State words as the reference has them; not all zero. */
  constructor(state: readonly [number, number, number, number]) {
    [this.#s0, this.#s1, this.#s2, this.#s3] = state;
  }

  /** 32 random bits, as an unsigned integer. */
  bits(): number {
    const s1 = this.#s1;
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const s2 = this.#s2 ^ this.#s0;
    const s3 = this.#s3 ^ s1;
    this.#s1 = s1 ^ s2;
    this.#s0 ^= s3;
    this.#s2 = s2 ^ (s1 << 9);
    this.#s3 = (s3 << 11) | (s3 >>> 21);
    return result >>> 0;
  }

  /** Even over [0, 1), in steps of 2^-53. */
  uniform(): number {
    const high = this.bits() >>> 5;
    return (high * 2 ** 26 + (this.bits() >>> 6)) * 2 ** -53;
  }

  /** An integer in [0, limit), each equally likely; `limit` up to 2^32. */
  below(limit: number): number {
    assert(Number.isInteger(limit) && limit > 0 && limit <= 2 ** 32, `below(${limit})`);
    const fair = 2 ** 32 - (2 ** 32 % limit);
    let bits = this.bits();
    while (bits >= fair) bits = this.bits();
    return bits % limit;
  }

  /** Mean 0, standard deviation 1. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }

  fillNormal(values: Float32Array | Float64Array): void {
    for (let i = 0; i < values.length; i++) values[i] = this.normal();
  }
}

function started(seed: bigint): Random {
  const first = splitMix64(seed, 0);
  const second = splitMix64(seed, 1);
  const low = (word: bigint): number => Number(word & 0xffffffffn);
  return new Random([low(first), low(first >> 32n), low(second), low(second >> 32n)]);
}

function seedWord(seed: number): bigint {
  assert(Number.isSafeInteger(seed), `seed ${seed} is not a safe integer`);
  return BigInt.asUintN(64, BigInt(seed));
}

/** The stream of a seed; any safe integer is one. */
export function seededRandom(seed: number): Random {
  return started(seedWord(seed));
}

/**
 * Stream `index` (from 0) of a seed, independent of the others and of `seededRandom(seed)`, without walking through
 * those before it: it starts from output `index + 2` of the seed's SplitMix64 (the first two are the state of
 * `seededRandom`). That map is one-to-one, so no two indexes of a seed share a stream.
 */
export function forkedRandom(seed: number, index: number): Random {
  assert(Number.isSafeInteger(index) && index >= 0, `stream index ${index}`);
  return started(splitMix64(seedWord(seed), index + 2));
}
