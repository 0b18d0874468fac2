/** Noise, held against torch bit for bit. */
import { describe, expect, it } from "vitest";
import { noiseDraws } from "../../../../../src-main/core/diffusion/noise/draws.ts";
import { MersenneTwister } from "../../../../../src-main/core/diffusion/noise/mersenne-twister.ts";
import { TorchGenerator } from "../../../../../src-main/core/diffusion/noise/torch-generator.ts";
import { samplerReferences } from "../samplers/references.ts";

const stored = samplerReferences("noise");
const seeds = stored.note("seeds") as number[];
const counts = stored.note("counts") as number[];
/** Of the longest draw every 61st number is stored. */
const STRIDE = 61;

describe("torch's CPU generator", () => {
  it("begins with the numbers that MT19937's authors publish for seed 5489", () => {
    const bits = new MersenneTwister(5489);
    expect([bits.next(), bits.next(), bits.next()]).toEqual([3499211612, 581869302, 3890346734]);
    for (let i = 3; i < 9999; i++) bits.next();
    // The 10,000th, as the C++ standard fixes it.
    expect(bits.next()).toBe(4123659995);
  });

  it.each(seeds.map((seed, place) => ({ seed, place })))(
    "gives torch's very bits for seed $seed, draw after draw, of fewer and more than 16 numbers",
    ({ seed, place }) => {
      const generator = new TorchGenerator(seed);
      const found: number[] = [];
      for (const [i, count] of counts.entries()) {
        const drawn = generator.normal(count);
        expect(drawn).toHaveLength(count);
        found.push(...(i < counts.length - 1 ? drawn : drawn.filter((_, at) => at % STRIDE === 0)));
      }
      const all = stored.values("drawn");
      const size = all.length / seeds.length;
      expect(size).toBeGreaterThan(300);
      expect(found).toEqual([...all.subarray(place * size, (place + 1) * size)]);
    },
  );

  it("refuses a seed that is no whole number", () => {
    expect(() => new TorchGenerator(0.5)).toThrow("0.5");
    expect(() => new TorchGenerator(-1)).toThrow("-1");
  });

  it("has the mean and deviation of normal numbers", () => {
    const drawn = new TorchGenerator(7).normal(100_000);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });
});

describe("the draws of a run", () => {
  it("come from two generators in ComfyUI, the second of the next seed", () => {
    const draws = noiseDraws("comfy", 5);
    expect(draws.first(40)).toEqual(new TorchGenerator(5).normal(40));
    const next = new TorchGenerator(6);
    expect(draws.next(40)).toEqual(next.normal(40));
    expect(draws.next(40)).toEqual(next.normal(40));
  });

  it("go on in one generator in diffusers", () => {
    const draws = noiseDraws("diffusers", 5);
    const one = new TorchGenerator(5);
    expect(draws.first(40)).toEqual(one.normal(40));
    expect(draws.next(40)).toEqual(one.normal(40));
  });

  it("exist for the greatest seed", () => {
    const draws = noiseDraws("comfy", Number.MAX_SAFE_INTEGER);
    expect(draws.next(16)).toEqual(new TorchGenerator(0).normal(16));
  });
});
