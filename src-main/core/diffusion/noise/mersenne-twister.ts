/** MT19937, the generator behind torch's CPU noise (Matsumoto and Nishimura 1998; ATen/core/MT19937RNGEngine.h). */

const SIZE = 624;
const MIDDLE = 397;

export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #place = SIZE;

  /** Torch takes seeds of 64 bits and keeps the low 32 of them. */
  constructor(seed: number) {
    const state = this.#state;
    // `>>>` would do for seeds of 53 bits too, as it wraps by 2^32.
    state[0] = seed >>> 0;
    for (let i = 1; i < SIZE; i++) {
      const before = state[i - 1] ?? 0;
      state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  /** The next 32 bits. */
  next(): number {
    if (this.#place === SIZE) this.#refill();
    let bits = this.#state[this.#place++] ?? 0;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  }

  #refill(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const following = state[(i + 1) % SIZE] ?? 0;
      const mixed = ((state[i] ?? 0) & 0x80000000) | (following & 0x7fffffff);
      state[i] =
        (state[(i + MIDDLE) % SIZE] ?? 0) ^ (mixed >>> 1) ^ (following & 1 ? 0x9908b0df : 0);
    }
    this.#place = 0;
  }
}
