/** Every sampler in both conventions, held step by step against ComfyUI's and diffusers' own runs on a formula model. */
import { describe, expect, it } from "vitest";
import { type ModelInput, sample } from "../../../../../src-main/core/diffusion/samplers/sample.ts";
import { type PlanRequest, planOf } from "../../../../../src-main/core/diffusion/schedule/plan.ts";
import { samplerReferences } from "./references.ts";

/** test/fixtures/samplers/model.py */
const COUNT = 256;
const SEED = 20261121;
/** test/fixtures/samplers/make.py: the places that are stored. */
const SEEN = [3, 64, 125, 186, 247];
const FINAL = Array.from({ length: 16 }, (_, i) => 17 * i);
/** Steps are in float64 on both sides, between a model's float32 numbers; issue: 1e-4. */
const TOLERANCE = 2e-6;

type Case = PlanRequest & { readonly taken: number };

function predict({ latent: x, time }: ModelInput): Float32Array {
  const wave = 0.1 * Math.sin(time / 100);
  return x.map((value, i) => {
    const mixed = 0.9 * value + 0.3 * (x[(i + 1) % COUNT] ?? 0) - 0.2 * (x[(i + 7) % COUNT] ?? 0);
    return Math.tanh(mixed) + wave;
  });
}

/** Distance by length. */
function distance(found: readonly number[], expected: ArrayLike<number>): number {
  const wanted = Array.from(expected);
  expect(found).toHaveLength(wanted.length);
  return Math.hypot(...wanted.map((value, i) => value - (found[i] ?? NaN))) / Math.hypot(...wanted);
}

const stored = samplerReferences("trajectories");
const cases = stored.note("cases") as Case[];
let begin = 0;
const placed = cases.map((one, index) => {
  const from = begin;
  begin += one.taken;
  const zero = one.zeroTerminalSnr ? "zero terminal SNR" : "";
  const name = `${one.convention} ${one.sampler} ${one.schedule} ${one.steps} ${one.family} ${one.prediction} ${zero}`;
  return { name, one, index, from };
});

it("there are references of all samplers, and together they use every step stored", () => {
  expect(placed.length).toBeGreaterThan(140);
  expect(stored.values("times")).toHaveLength(begin);
  const combinations = new Set(
    cases.map(({ convention, sampler, prediction }) => `${convention} ${sampler} ${prediction}`),
  );
  expect(combinations.size).toBe(24);
});

describe("trajectories", () => {
  it.each(placed)("$name", async ({ one, index, from }) => {
    const plan = planOf(one);
    expect(plan.steps).toHaveLength(one.taken);
    const steps: number[] = [];
    const final = await sample({
      plan,
      seed: SEED,
      count: COUNT,
      denoise: (input) => {
        const at = from + input.step;
        expect(Math.abs(input.time - (stored.values("times")[at] ?? NaN))).toBeLessThan(2e-4);
        const expected = stored.values("seen").subarray(at * SEEN.length, (at + 1) * SEEN.length);
        expect(
          distance(
            SEEN.map((place) => input.latent[place] ?? NaN),
            expected,
          ),
          `what the model sees at step ${input.step}`,
        ).toBeLessThan(TOLERANCE);
        return Promise.resolve(predict(input));
      },
      onStep: (step, denoised) => {
        expect(denoised).toHaveLength(COUNT);
        steps.push(step);
      },
    });
    expect(steps).toEqual(Array.from({ length: one.taken }, (_, i) => i));
    const expected = stored
      .values("final")
      .subarray(index * FINAL.length, (index + 1) * FINAL.length);
    expect(
      distance(
        FINAL.map((place) => final[place] ?? NaN),
        expected,
      ),
    ).toBeLessThan(TOLERANCE);
  });
});
