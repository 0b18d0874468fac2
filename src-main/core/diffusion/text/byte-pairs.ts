/** Byte-pair encoding with CLIP's table (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909). */
import { FacetError } from "../../errors.ts";

/** Tokens of the table: 256 bytes, 256 bytes at a word's end, the merges, start and end. */
const mergeCount = 48_894;
const firstMerged = 512;
export const startToken = firstMerged + mergeCount;
export const endToken = startToken + 1;

const endOfWord = "</w>";

export interface BytePairs {
  /** Tokens of one word, given as its UTF-8 bytes. */
  encodeWord(bytes: Uint8Array): number[];
}

/** Of the text of merges: "left right" a line, in order of rank. */
export function bytePairs(merges: string): BytePairs {
  const lines = merges.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length !== mergeCount) throw damaged(`${lines.length} lines`);
  const tokens = new Map<string, number>();
  const single = new Uint8Array(256);
  printableBytes().forEach(([byte, letter], token) => {
    single[byte] = token;
    tokens.set(letter, token);
    tokens.set(letter + endOfWord, 256 + token);
  });
  /** Rank by both tokens of the pair. */
  const ranks = new Map<number, number>();
  lines.forEach((line, rank) => {
    const [left = "", right = ""] = line.split(" ");
    const [first, second] = [tokens.get(left), tokens.get(right)];
    if (first === undefined || second === undefined) throw damaged(`"${line}" in line ${rank + 1}`);
    ranks.set(pair(first, second), rank);
    tokens.set(left + right, firstMerged + rank);
  });
  return { encodeWord: (bytes) => encode(bytes, single, ranks) };
}

function damaged(found: string): FacetError {
  return new FacetError(
    "malformed",
    `The table of CLIP's merges has ${found} where ${mergeCount} known pairs belong: install Facet anew.`,
  );
}

/**
 * Bytes in the order of their tokens, each with the letter that stands for it in the table (GPT-2's: printable bytes
 * stand for themselves, the others for letters from 256 on).
 */
function printableBytes(): [byte: number, letter: string][] {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const printable = all.filter(isPrintable);
  const others = all.filter((byte) => !isPrintable(byte));
  return [
    ...printable.map((byte): [number, string] => [byte, String.fromCodePoint(byte)]),
    ...others.map((byte, index): [number, string] => [byte, String.fromCodePoint(256 + index)]),
  ];
}

function pair(left: number, right: number): number {
  return left * 2 ** 16 + right;
}

/**
 * The pair of lowest rank is merged first, the leftmost of equals. A queue finds it, so that a word of n letters costs
 * n log n: a prompt without a space is a word of any length.
 */
function encode(
  bytes: Uint8Array,
  single: Uint8Array,
  ranks: ReadonlyMap<number, number>,
): number[] {
  const count = bytes.length;
  const tokens = Array.from(
    bytes,
    (byte, at) => (single[byte] ?? 0) + (at === count - 1 ? 256 : 0),
  );
  /** Neighbours of what is left; a place that was merged into the one before has no token. */
  const next = tokens.map((_, at) => at + 1);
  const before = tokens.map((_, at) => at - 1);
  const gone = -1;
  const queue: number[] = [];

  const rankAt = (at: number): number | undefined => {
    const [left, right] = [tokens[at], tokens[next[at] ?? count]];
    return left === undefined || right === undefined ? undefined : ranks.get(pair(left, right));
  };
  const offer = (at: number) => {
    const rank = rankAt(at);
    if (rank !== undefined) push(queue, rank * 2 ** 32 + at);
  };
  for (let at = 0; at + 1 < count; at++) offer(at);

  for (let least = pop(queue); least !== undefined; least = pop(queue)) {
    const [rank, at] = [Math.floor(least / 2 ** 32), least % 2 ** 32];
    // An entry is out of date where one of its two was merged with another since.
    if (tokens[at] === gone || rankAt(at) !== rank) continue;
    const second = next[at] ?? count;
    const after = next[second] ?? count;
    tokens[at] = firstMerged + rank;
    tokens[second] = gone;
    next[at] = after;
    if (after < count) before[after] = at;
    offer(at);
    const previous = before[at] ?? -1;
    if (previous >= 0) offer(previous);
  }
  return tokens.filter((token) => token !== gone);
}

/** A binary heap, least first. */
function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): number | undefined {
  const least = heap[0];
  const value = heap.pop();
  if (value === undefined || heap.length === 0) return least;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if ((heap[child + 1] ?? Infinity) < (heap[child] ?? 0)) child++;
    const below = heap[child] ?? 0;
    if (below >= value) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = value;
  return least;
}
