/** Plans that cannot be: each is refused with what was asked and what can be had. */
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../../../src-main/core/errors.ts";
import { type PlanRequest, planOf } from "../../../../../src-main/core/diffusion/schedule/plan.ts";

const base: PlanRequest = {
  convention: "comfy",
  sampler: "euler",
  schedule: "normal",
  steps: 20,
  family: "sdxl",
  prediction: "epsilon",
  zeroTerminalSnr: false,
};

function refusal(request: Partial<PlanRequest>): FacetError {
  try {
    planOf({ ...base, ...request });
  } catch (error) {
    if (error instanceof FacetError) return error;
    throw error;
  }
  throw new Error("the plan was made");
}

describe("refused", () => {
  it.each([0, -1, 1001, 2.5, NaN, Infinity])("%d steps", (steps) => {
    expect(refusal({ steps })).toMatchObject({ code: "invalid-argument", field: "steps" });
    expect(refusal({ steps }).message).toContain(`${steps} steps`);
  });

  it("more steps than LCM was distilled on", () => {
    const error = refusal({ convention: "diffusers", sampler: "lcm", steps: 51 });
    expect(error).toMatchObject({ code: "invalid-argument", field: "steps" });
    expect(error.message).toMatch(/51 steps.*50/);
    expect(
      planOf({ ...base, convention: "diffusers", sampler: "lcm", steps: 50 }).steps,
    ).toHaveLength(50);
  });

  it.each([
    { sampler: "euler", steps: 1000 },
    { sampler: "dpmpp-2m", steps: 1000 },
    { sampler: "ddim", steps: 1000 },
  ] as const)("$steps leading steps of $sampler, which leave the training steps", (request) => {
    expect(refusal({ convention: "diffusers", ...request })).toMatchObject({
      code: "invalid-argument",
      field: "steps",
    });
  });

  it("one step of ComfyUI's UniPC, which would be noise", () => {
    expect(refusal({ sampler: "unipc", steps: 1 }).message).toContain("2 steps");
    expect(
      planOf({ ...base, convention: "diffusers", sampler: "unipc", steps: 1 }).steps,
    ).toHaveLength(1);
  });

  it.each(["euler-ancestral", "ddim", "lcm"] as const)("karras for %s in diffusers", (sampler) => {
    const error = refusal({ convention: "diffusers", sampler, schedule: "karras" });
    expect(error).toMatchObject({ code: "unsupported", field: "schedule" });
    expect(error.message).toContain(sampler);
  });

  it("ddim-uniform in diffusers", () => {
    expect(refusal({ convention: "diffusers", schedule: "ddim-uniform" }).code).toBe("unsupported");
  });

  it.each(["comfy", "diffusers"] as const)(
    "epsilon with a terminal signal of zero in %s",
    (convention) => {
      expect(refusal({ convention, zeroTerminalSnr: true })).toMatchObject({
        code: "unsupported",
        field: "prediction",
      });
    },
  );
});

it("every number of steps that the interface offers has a plan, in both conventions and all schedules", () => {
  let plans = 0;
  for (const convention of ["comfy", "diffusers"] as const)
    for (const sampler of ["euler", "euler-ancestral", "dpmpp-2m", "ddim", "unipc"] as const)
      for (const schedule of ["normal", "karras", "simple", "sgm-uniform"] as const) {
        if (convention === "diffusers" && schedule === "karras" && sampler.match(/ancestral|ddim/u))
          continue;
        for (const steps of [2, 3, 7, 50, 99, 150]) {
          for (const family of ["sdxl", "sd15"] as const) {
            const plan = planOf({ ...base, convention, sampler, schedule, steps, family });
            expect(plan.steps, `${convention} ${sampler} ${schedule} ${steps}`).toHaveLength(steps);
            plans++;
          }
        }
      }
  expect(plans).toBe(456);
});
