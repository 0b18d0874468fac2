/** Sigmas and times of every spacing, held against ComfyUI and diffusers for all numbers of steps that are stored. */
import { describe, expect, it } from "vitest";
import { type PlanRequest, planOf } from "../../../../../src-main/core/diffusion/schedule/plan.ts";
import {
  comfySchedule,
  diffusersSchedule,
} from "../../../../../src-main/core/diffusion/schedule/training.ts";
import { samplerReferences } from "../samplers/references.ts";

const base: PlanRequest = {
  convention: "diffusers",
  sampler: "euler",
  schedule: "normal",
  steps: 20,
  family: "sdxl",
  prediction: "velocity",
  zeroTerminalSnr: false,
};

describe("stored schedules", () => {
  const stored = samplerReferences("schedules");
  const most = stored.note("steps") as number;
  const keys = stored.names.flatMap((name) => (name.endsWith(" times") ? [name.slice(0, -6)] : []));

  it("are there", () => {
    expect(keys.length).toBeGreaterThan(25);
    expect(most).toBeGreaterThan(20);
  });

  it.each(keys)("%s", (key) => {
    const times = stored.values(`${key} times`);
    const sigmas = stored.names.includes(`${key} sigmas`)
      ? stored.values(`${key} sigmas`)
      : undefined;
    const words = key.split(" ");
    const zeroTerminalSnr = words.at(-1) === "zero";
    const schedule = words.at(-2) as PlanRequest["schedule"];
    const comfy = words[0] === "comfy";
    const request: PlanRequest = {
      ...base,
      schedule,
      zeroTerminalSnr,
      ...(comfy
        ? { convention: "comfy" }
        : { family: words[1] as "sdxl", sampler: words[2] as "euler" }),
    };
    // Torch's square root of float32 (MKL's) may miss by a bit, which is much near a product of zero.
    const tolerance = zeroTerminalSnr && !comfy ? 1e-5 : 2e-7;
    let at = 0;
    for (let steps = 1; steps <= most; steps++) {
      for (const step of planOf({ ...request, steps }).steps) {
        // Whole times must be the same; those between training steps are rounded to float32 by both.
        expect(
          Math.abs(step.time - (times[at] ?? NaN)),
          `time ${at} of ${steps} steps`,
        ).toBeLessThan(Number.isInteger(times[at]) ? 1e-9 : 2e-4);
        if (sigmas) {
          const sigma = sigmas[at] ?? NaN;
          expect(Math.abs(step.sigma / sigma - 1), `sigma ${at} of ${steps} steps`).toBeLessThan(
            tolerance,
          );
        }
        at++;
      }
    }
    expect(at).toBe(times.length);
  });
});

describe("published numbers", () => {
  // formats.md 5.7
  const table = [
    { time: 0, sigma: 0.029167, product: 0.99915 },
    { time: 1, sigma: 0.041314, product: 0.99829603 },
    { time: 249, sigma: 0.693205, product: 0.67543241 },
    { time: 499, sigma: 1.612886, product: 0.27766965 },
    { time: 749, sigma: 4.081729, product: 0.05662349 },
    { time: 999, sigma: 14.614641, product: 0.0046601 },
  ];

  it.each(table)("of the training step $time", ({ time, sigma, product }) => {
    const diffusers = diffusersSchedule(false);
    expect(comfySchedule(false).sigmas[time]).toBeCloseTo(sigma, 4);
    expect(diffusers.sigmas[time]).toBeCloseTo(sigma, 4);
    expect(diffusers.products[time]).toBeCloseTo(product, 6);
  });

  it.each([
    { steps: 20, times: [951, 901, 851], sigma: 11.02833, scale: 11.07358 },
    { steps: 25, times: [961, 921, 881], sigma: 11.67605, scale: 11.71879 },
    { steps: 30, times: [958, 925, 892], sigma: 11.47685, scale: 11.52033 },
    { steps: 50, times: [981, 961, 941], sigma: 13.12041, scale: 13.15846 },
  ])("of $steps leading steps", ({ steps, times, sigma, scale }) => {
    const plan = planOf({ ...base, steps });
    expect(plan.steps.slice(0, 3).map((step) => step.time)).toEqual(times);
    expect(plan.steps.at(-1)).toMatchObject({ time: 1, next: 0 });
    expect(plan.steps[0]?.sigma).toBeCloseTo(sigma, 4);
    expect(plan.initialScale).toBeCloseTo(scale, 4);
  });

  it.each([
    { steps: 1, times: [999] },
    { steps: 2, times: [999, 499] },
    { steps: 4, times: [999, 749, 499, 249] },
    { steps: 8, times: [999, 874, 749, 624, 499, 374, 249, 124] },
  ])("of $steps trailing steps, as Turbo and Lightning take them", ({ steps, times }) => {
    for (const sampler of ["euler", "euler-ancestral"] as const) {
      const plan = planOf({ ...base, sampler, schedule: "sgm-uniform", steps });
      expect(plan.steps.map((step) => step.time)).toEqual(times);
      expect(plan.initialScale).toBeCloseTo(14.614641, 4);
    }
  });

  it.each([
    // formats.md 5.8
    { steps: 4, times: [999, 759, 499, 259] },
    { steps: 8, times: [999, 879, 759, 639, 499, 379, 259, 139] },
  ])("of $steps steps of LCM", ({ steps, times }) => {
    const plan = planOf({ ...base, sampler: "lcm", steps });
    expect(plan.steps.map((step) => step.time)).toEqual(times);
    expect(plan.initialScale).toBe(1);
  });

  it("of a terminal signal of zero: sigmas that stay finite, and a product that does not", () => {
    expect(comfySchedule(true).sigmas[999]).toBeCloseTo(4518.76, 1);
    expect(diffusersSchedule(true).sigmas[999]).toBeCloseTo(4096, 1);
    expect(diffusersSchedule(true).products[999]).toBe(0);
    const { steps } = planOf({
      ...base,
      sampler: "ddim",
      schedule: "sgm-uniform",
      zeroTerminalSnr: true,
    });
    expect(steps[0]?.sigma).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("ComfyUI's first noise", () => {
  it("has the variance of the top where a run begins there, and sigma's where it begins below", () => {
    const normal = planOf({ ...base, convention: "comfy" });
    expect(normal.initialScale).toBeCloseTo(Math.hypot(1, 14.614641), 4);
    const below = planOf({ ...base, convention: "comfy", schedule: "ddim-uniform", steps: 20 });
    expect(below.initialScale).toBe(below.steps[0]?.sigma);
    expect(below.steps[0]?.time).toBe(951);
  });
});
