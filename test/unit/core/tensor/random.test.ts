/** The generators against the outputs that their authors' C code gives, and the distributions against theory. */
import { expect, test } from "vitest";
import {
  forkedRandom,
  Random,
  seededRandom,
  splitMix64,
} from "../../../../src-main/core/tensor/random.ts";

test("xoshiro128** 1.1 gives the outputs of xoshiro128starstar.c for the state 1, 2, 3, 4", () => {
  // As published with rand_xoshiro: rust-random/rngs, rand_xoshiro/src/xoshiro128starstar.rs.
  const random = new Random([1, 2, 3, 4]);
  expect(Array.from({ length: 10 }, () => random.bits())).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
    4258142804,
  ]);
});

test("SplitMix64 gives the outputs of splitmix64.c", () => {
  // rust-random/rngs, rand_xoshiro/src/splitmix64.rs; and Rosetta Code for 1234567.
  expect([0, 1, 2, 3, 4].map((n) => splitMix64(1477776061723855037n, n))).toEqual([
    1985237415132408290n,
    2979275885539914483n,
    13511426838097143398n,
    8488337342461049707n,
    15141737807933549159n,
  ]);
  expect([0, 1, 2, 3, 4].map((n) => splitMix64(1234567n, n))).toEqual([
    6457827717110365317n,
    3203168211198807973n,
    9817491932198370423n,
    4593380528125082431n,
    16408922859458223821n,
  ]);
});

function moments(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  return { mean, variance: central(2), skew: central(3), kurtosis: central(4) / central(2) ** 2 };
}

test("normals have the moments of a normal distribution", () => {
  const random = seededRandom(1);
  const { mean, variance, skew, kurtosis } = moments(
    Array.from({ length: 200_000 }, () => random.normal()),
  );
  // Five standard errors of each at 200,000 draws.
  expect(Math.abs(mean)).toBeLessThan(0.012);
  expect(Math.abs(variance - 1)).toBeLessThan(0.016);
  expect(Math.abs(skew)).toBeLessThan(0.028);
  expect(Math.abs(kurtosis - 3)).toBeLessThan(0.055);
});

test("uniforms fill [0, 1) evenly and below(n) hits each number equally", () => {
  const random = seededRandom(-3);
  const tenths = Array.from({ length: 10 }, () => 0);
  const faces = Array.from({ length: 6 }, () => 0);
  for (let i = 0; i < 60_000; i++) {
    const value = random.uniform();
    expect(value >= 0 && value < 1).toBe(true);
    const tenth = Math.floor(value * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    const face = random.below(6);
    faces[face] = (faces[face] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 6000)).toBeLessThan(400);
  for (const count of faces) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("streams repeat by seed and index, and differ between any two", () => {
  const start = (random: Random): string =>
    Array.from({ length: 4 }, () => random.bits()).join(" ");
  const starts = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    starts.add(start(seededRandom(seed)));
    for (let index = 0; index < 50; index++) starts.add(start(forkedRandom(seed, index)));
  }
  expect(starts.size).toBe(20 * 51);
  expect(start(forkedRandom(7, 1000))).toBe(start(forkedRandom(7, 1000)));
});

test("neighbouring streams are uncorrelated", () => {
  const count = 20_000;
  const left = forkedRandom(5, 10);
  const right = forkedRandom(5, 11);
  let product = 0;
  for (let i = 0; i < count; i++) product += left.normal() * right.normal();
  expect(Math.abs(product / count)).toBeLessThan(5 / Math.sqrt(count));
});

test("a filled array is the sequence of single draws", () => {
  const filled = new Float64Array(7);
  seededRandom(9).fillNormal(filled);
  const single = seededRandom(9);
  expect([...filled]).toEqual(Array.from({ length: 7 }, () => single.normal()));
});
