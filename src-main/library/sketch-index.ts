/**
 * Nearest neighbours and near-duplicates among sketches, all of them at once in memory: 100,000 are 100 MB and one
 * question is 26 million products. Runs in the library's worker; knows nothing of SQLite.
 */
import { assert } from "../core/errors.ts";

export const sketchLength = 256;

/**
 * Numbers of a sketch that are looked at before the rest. A sketch is a random projection, so these are a fair
 * sample: two vectors whose samples are far apart cannot be near, by Cauchy and Schwarz on the rest.
 */
const head = 32;
const tail = sketchLength - head;
/** Rows compared with each other at a time, so that both stay in the processor's cache. */
const block = 256;

export interface Near {
  readonly seq: number;
  readonly similarity: number;
}

export class SketchIndex {
  #count = 0;
  #heads = new Float32Array(1024 * head);
  #tails = new Float32Array(1024 * tail);
  /** Norm of the tail: with the head's product it bounds the whole. */
  #tailNorms = new Float32Array(1024);
  #seqs = new Float64Array(1024);
  #families = new Uint8Array(1024);
  #live = new Uint8Array(1024);
  readonly #slots = new Map<number, number>();

  get count(): number {
    return this.#count;
  }

  /** Puts in or replaces a vector, scaled to length 1. A vector of zeros is near to nothing. */
  set(seq: number, family: number, vector: Float32Array): void {
    assert(vector.length === sketchLength, `a sketch has ${sketchLength} numbers`);
    let slot = this.#slots.get(seq);
    if (slot === undefined) {
      slot = this.#count++;
      this.#grow();
      this.#slots.set(seq, slot);
    }
    let squares = 0;
    for (const value of vector) squares += value * value;
    const scale = squares > 0 && Number.isFinite(squares) ? 1 / Math.sqrt(squares) : 0;
    let tailSquares = 0;
    for (let i = 0; i < head; i++) {
      this.#heads[slot * head + i] = (vector[i] as number) * scale;
    }
    for (let i = 0; i < tail; i++) {
      const value = (vector[head + i] as number) * scale;
      this.#tails[slot * tail + i] = value;
      tailSquares += value * value;
    }
    this.#tailNorms[slot] = Math.sqrt(tailSquares);
    this.#seqs[slot] = seq;
    this.#families[slot] = family;
    this.#live[slot] = scale > 0 ? 1 : 0;
  }

  /** Says which rows are in the library now; the others are not found. */
  setLive(seqs: Iterable<number>): void {
    this.#live.fill(0);
    for (const seq of seqs) {
      const slot = this.#slots.get(seq);
      if (slot !== undefined) this.#live[slot] = 1;
    }
  }

  /** The nearest ones of the same family, the nearest first, without the row itself. */
  nearest(seq: number, limit: number): Near[] {
    const own = this.#slots.get(seq);
    if (own === undefined) return [];
    const best: Near[] = [];
    let worst = -Infinity;
    for (let slot = 0; slot < this.#count; slot++) {
      if (slot === own || this.#live[slot] === 0) continue;
      if (this.#families[slot] !== this.#families[own]) continue;
      const headProduct = this.#headProduct(own, slot);
      if (headProduct + this.#bound(own, slot) <= worst) continue;
      const similarity = headProduct + this.#tailProduct(own, slot);
      if (similarity <= worst) continue;
      let place = best.length;
      while (place > 0 && (best[place - 1] as Near).similarity < similarity) place -= 1;
      best.splice(place, 0, { seq: this.#seqs[slot] as number, similarity });
      if (best.length > limit) best.pop();
      if (best.length === limit) worst = (best.at(-1) as Near).similarity;
    }
    return best;
  }

  /**
   * Groups of rows that are linked by similarities of at least the threshold, the largest group first; in each the
   * oldest row comes first, and similarities are to it. `isCancelled` is asked some hundred times a second.
   */
  clusters(threshold: number, isCancelled: () => boolean = () => false): Near[][] {
    const rows = this.#liveSlots();
    const leaders = Int32Array.from(rows.keys());
    for (let from = 0; from < rows.length; from += block) {
      for (let to = from; to < rows.length; to += block) {
        if (isCancelled()) return [];
        this.#linkBlocks(rows, leaders, threshold, from, to);
      }
    }
    return this.#groups(rows, leaders);
  }

  #linkBlocks(
    rows: Int32Array,
    leaders: Int32Array,
    threshold: number,
    from: number,
    to: number,
  ): void {
    const fromEnd = Math.min(from + block, rows.length);
    const toEnd = Math.min(to + block, rows.length);
    for (let a = from; a < fromEnd; a++) {
      const left = rows[a] as number;
      for (let b = Math.max(to, a + 1); b < toEnd; b++) {
        const right = rows[b] as number;
        if (this.#families[left] !== this.#families[right]) continue;
        const headProduct = this.#headProduct(left, right);
        if (headProduct + this.#bound(left, right) < threshold) continue;
        const first = leaderOf(leaders, a);
        const second = leaderOf(leaders, b);
        if (first === second) continue; // linked through another already
        if (headProduct + this.#tailProduct(left, right) < threshold) continue;
        leaders[Math.max(first, second)] = Math.min(first, second);
      }
    }
  }

  #groups(rows: Int32Array, leaders: Int32Array): Near[][] {
    const groups = new Map<number, Near[]>();
    for (let index = 0; index < rows.length; index++) {
      const leader = leaderOf(leaders, index);
      if (leader === index) continue;
      const first = rows[leader] as number;
      const slot = rows[index] as number;
      const similarity = this.#headProduct(first, slot) + this.#tailProduct(first, slot);
      const group = groups.get(leader) ?? [{ seq: this.#seqs[first] as number, similarity: 1 }];
      group.push({ seq: this.#seqs[slot] as number, similarity });
      groups.set(leader, group);
    }
    return [...groups.values()].toSorted((a, b) => b.length - a.length);
  }

  /** Oldest first. */
  #liveSlots(): Int32Array {
    const slots: number[] = [];
    for (let slot = 0; slot < this.#count; slot++) if (this.#live[slot] === 1) slots.push(slot);
    slots.sort((a, b) => (this.#seqs[a] as number) - (this.#seqs[b] as number));
    return Int32Array.from(slots);
  }

  #headProduct(a: number, b: number): number {
    const heads = this.#heads;
    const left = a * head;
    const right = b * head;
    let sum = 0;
    for (let i = 0; i < head; i++)
      sum += (heads[left + i] as number) * (heads[right + i] as number);
    return sum;
  }

  #tailProduct(a: number, b: number): number {
    const tails = this.#tails;
    const left = a * tail;
    const right = b * tail;
    // Four sums at once: one alone would wait for itself.
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0; i < tail; i += 4) {
      s0 += (tails[left + i] as number) * (tails[right + i] as number);
      s1 += (tails[left + i + 1] as number) * (tails[right + i + 1] as number);
      s2 += (tails[left + i + 2] as number) * (tails[right + i + 2] as number);
      s3 += (tails[left + i + 3] as number) * (tails[right + i + 3] as number);
    }
    return s0 + s1 + s2 + s3;
  }

  /** The most that the tails' product can be; a little more, for rounding. */
  #bound(a: number, b: number): number {
    return (this.#tailNorms[a] as number) * (this.#tailNorms[b] as number) + 1e-6;
  }

  #grow(): void {
    const capacity = this.#seqs.length;
    if (this.#count <= capacity) return;
    const larger = capacity * 2;
    this.#heads = copied(new Float32Array(larger * head), this.#heads);
    this.#tails = copied(new Float32Array(larger * tail), this.#tails);
    this.#tailNorms = copied(new Float32Array(larger), this.#tailNorms);
    this.#seqs = copied(new Float64Array(larger), this.#seqs);
    this.#families = copied(new Uint8Array(larger), this.#families);
    this.#live = copied(new Uint8Array(larger), this.#live);
  }
}

function copied<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}

/** The first row of a group. Paths are halved on the way, so that they stay short. */
function leaderOf(leaders: Int32Array, index: number): number {
  let at = index;
  for (;;) {
    const up = leaders[at] as number;
    if (up === at) return at;
    const next = leaders[up] as number;
    leaders[at] = next;
    at = next;
  }
}
