/** Half floats against their definition, and against the runtime's own Float16Array. */
import { expect, test } from "vitest";
import {
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
} from "../../../../src-main/core/tensor/halves.ts";

interface Float16Array {
  readonly length: number;
  [index: number]: number;
  set(values: Float32Array): void;
}
const NativeFloat16Array = (
  globalThis as unknown as { Float16Array: new (buffer: ArrayBufferLike) => Float16Array }
).Float16Array;

const allPatterns = Uint16Array.from({ length: 0x10000 }, (_, pattern) => pattern);

function defined(pattern: number, exponentBits: number, mantissaBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = pattern >> 15 === 1 ? -1 : 1;
  const exponent = (pattern >> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** Index of the first difference as Object.is sees it (so that -0 and NaN count), or -1. */
function firstDifference(left: ArrayLike<number>, right: ArrayLike<number>): number {
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (!Object.is(left[i], right[i])) return i;
  }
  return -1;
}

test("every float16 is decoded to its value", () => {
  const values = new Float32Array(0x10000);
  decodeFloat16(allPatterns, values);
  expect(
    firstDifference(
      values,
      Array.from(allPatterns, (p) => defined(p, 5, 10)),
    ),
  ).toBe(-1);
  expect(firstDifference(values, new NativeFloat16Array(allPatterns.buffer))).toBe(-1);
});

test("every bfloat16 is decoded to its value", () => {
  const values = new Float32Array(0x10000);
  decodeBfloat16(allPatterns, values);
  expect(
    firstDifference(
      values,
      Array.from(allPatterns, (p) => defined(p, 8, 7)),
    ),
  ).toBe(-1);
});

test("NaNs keep sign and payload on the way to float32 and back", () => {
  const patterns = Uint16Array.of(0x7e00, 0xfe01, 0x7e55, 0xffff);
  for (const [decode, encode, nans] of [
    [decodeFloat16, encodeFloat16, patterns],
    [decodeBfloat16, encodeBfloat16, Uint16Array.of(0x7fc0, 0xffc1, 0x7fff)],
  ] as const) {
    const values = new Float32Array(nans.length);
    const back = new Uint16Array(nans.length);
    decode(nans, values);
    expect(values.every(Number.isNaN)).toBe(true);
    expect(encode(values, back)).toBe(-1);
    expect(back).toEqual(nans);
  }
});

test("a NaN whose payload lies in the lower bits stays a NaN", () => {
  const signalling = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff).buffer);
  const bits = new Uint16Array(3);
  expect(encodeFloat16(signalling, bits)).toBe(-1);
  expect([...bits].every((pattern) => Number.isNaN(defined(pattern, 5, 10)))).toBe(true);
  expect(encodeBfloat16(signalling, bits)).toBe(-1);
  expect([...bits].every((pattern) => Number.isNaN(defined(pattern, 8, 7)))).toBe(true);
});

/**
 * Every pair of neighbours of the type, met in the middle and one float32 to either side of the middle: nearest wins,
 * the tie goes to the even pattern. Neighbours and middles are exact in float64 and the middles in float32.
 */
function roundingCases(exponentBits: number, mantissaBits: number) {
  const values: number[] = [];
  const expected: number[] = [];
  const last = (2 ** exponentBits - 1) * 2 ** mantissaBits - 1;
  const neighbour = new Float32Array(1);
  const bits = new Uint32Array(neighbour.buffer);
  for (let pattern = 0; pattern < last; pattern++) {
    const low = defined(pattern, exponentBits, mantissaBits);
    const high = defined(pattern + 1, exponentBits, mantissaBits);
    neighbour[0] = (low + high) / 2;
    const middle = bits[0] ?? 0;
    for (const [offset, nearest] of [
      [-1, pattern],
      [0, pattern % 2 === 0 ? pattern : pattern + 1],
      [1, pattern + 1],
    ] as const) {
      bits[0] = middle + offset;
      values.push(neighbour[0], -neighbour[0]);
      expected.push(nearest, nearest | 0x8000);
    }
  }
  return { values: Float32Array.from(values), expected: Uint16Array.from(expected) };
}

test.each([
  ["float16", 5, 10, encodeFloat16],
  ["bfloat16", 8, 7, encodeBfloat16],
] as const)("%s rounds to nearest, ties to even, through the whole range", (_, e, m, encode) => {
  const { values, expected } = roundingCases(e, m);
  const bits = new Uint16Array(values.length);
  expect(encode(values, bits)).toBe(-1);
  expect(firstDifference(bits, expected)).toBe(-1);
});

test("float16 agrees with the runtime on arbitrary float32 patterns", () => {
  const patterns = new Uint32Array(500_000);
  // A full-period step through all patterns: exponents and mantissas of every kind.
  for (let i = 0; i < patterns.length; i++) patterns[i] = Math.imul(i, 0x9e3779b1);
  const values = new Float32Array(patterns.buffer);
  const bits = new Uint16Array(values.length);
  encodeFloat16(values, bits);
  const native = new NativeFloat16Array(new ArrayBuffer(values.length * 2));
  native.set(values);
  const decoded = new Float32Array(values.length);
  decodeFloat16(bits, decoded);
  expect(firstDifference(decoded, native)).toBe(-1);
});

test("the first finite value that becomes infinite is reported, infinity itself is not", () => {
  const bits = new Uint16Array(200);
  const values = new Float32Array(200).fill(0.5);
  values[3] = Infinity;
  expect(encodeFloat16(values, bits)).toBe(-1);
  values[130] = 65519.996;
  expect(encodeFloat16(values, bits)).toBe(-1);
  expect(bits[130]).toBe(0x7bff);
  values[131] = -65520;
  values[190] = 1e9;
  expect(encodeFloat16(values, bits)).toBe(131);
  expect(encodeBfloat16(values, bits)).toBe(-1);
  values[150] = 3.4e38;
  expect(encodeBfloat16(values, bits)).toBe(150);
});
