/** Plans as the schedulers of diffusers make them from the families' published configurations. */
import { FacetError, missingCase } from "../../errors.ts";
import {
  karras,
  LCM_STEPS,
  lcmTimes,
  multistepTimes,
  roundToEven,
  sigmasAt,
  singleStepTimes,
  type Spacing,
} from "./diffusers.ts";
import type { PlanRequest } from "./plan.ts";
import { spaced, type Spaced } from "./spaced.ts";
import { diffusersSchedule, type DiffusersSchedule, sigmaOf, TRAINING_STEPS } from "./training.ts";

/**
 * What `from_config` of the published configuration gives. SDXL's says leading. SD1.5's (of PNDM) says nothing, and so
 * each scheduler falls back to its own: linspace, but leading for DDIM.
 */
function publishedSpacing({ family, sampler }: PlanRequest): Spacing {
  return family === "sdxl" || sampler === "ddim" ? "leading" : "linspace";
}

export function diffusersPlan(request: PlanRequest): Spaced {
  const { sampler, schedule, steps, zeroTerminalSnr } = request;
  if (
    schedule === "ddim-uniform" ||
    (schedule === "karras" && !["euler", "dpmpp-2m", "unipc"].includes(sampler))
  ) {
    const message = `The schedule ${schedule} does not exist for ${sampler} in diffusers. Choose normal, or ComfyUI's convention.`;
    throw new FacetError("unsupported", message, { field: "schedule" });
  }
  const training = diffusersSchedule(zeroTerminalSnr);
  const spacing =
    schedule === "simple" || schedule === "sgm-uniform" ? "trailing" : publishedSpacing(request);
  switch (sampler) {
    case "euler":
    case "euler-ancestral": {
      let times = singleStepTimes(spacing, steps);
      let sigmas = sigmasAt(times, training);
      if (schedule === "karras") {
        // Between the ends of the spacing, with times that are not whole.
        const points = karras(sigmas[0] ?? 0, sigmas[steps - 1] ?? 0, steps, training);
        sigmas = points.map((point) => point.sigma);
        times = points.map((point) => Math.fround(point.time));
      }
      const first = Math.max(...sigmas);
      return {
        steps: spaced([...sigmas, 0], (_, place) => times[place] ?? 0),
        space: "sigma",
        initialScale: spacing === "leading" ? Math.hypot(1, first) : first,
      };
    }
    case "dpmpp-2m":
    case "unipc": {
      let times = multistepTimes(spacing, steps);
      let sigmas = sigmasAt(times, training);
      if (schedule === "karras") {
        const points = karras(
          training.sigmas[TRAINING_STEPS - 1] ?? 0,
          training.sigmas[0] ?? 0,
          steps,
          training,
        );
        sigmas = points.map((point) => point.sigma);
        times = points.map((point) => roundToEven(point.time));
      }
      return {
        steps: spaced([...sigmas, 0], (_, place) => times[place] ?? 0),
        space: "sigma",
        // There the latent is in the unit space, and begins as unit noise.
        initialScale: Math.hypot(1, sigmas[0] ?? 0),
      };
    }
    case "ddim":
      return unitPlan(
        singleStepTimes(spacing, steps),
        Math.floor(TRAINING_STEPS / steps),
        training,
      );
    case "lcm": {
      if (steps > LCM_STEPS) {
        const message = `${steps} steps were asked for; LCM was distilled on ${LCM_STEPS}. Take fewer.`;
        throw new FacetError("invalid-argument", message, { field: "steps" });
      }
      return unitPlan(lcmTimes(steps), undefined, training);
    }
    default:
      return missingCase(sampler);
  }
}

/**
 * DDIM and LCM go by products, with a last one of 0 where the terminal signal is zero. LCM goes from time to time; DDIM
 * always goes down by one `stride` of training steps, also where the spacing's next time is another, and ends at the
 * first training step (`set_alpha_to_one` false).
 */
function unitPlan(
  times: readonly number[],
  stride: number | undefined,
  { products }: DiffusersSchedule,
): Spaced {
  const at = (time: number): number => sigmaOf(products[time] ?? 1);
  const following = (time: number, place: number): number => {
    if (stride !== undefined) return at(Math.max(0, time - stride));
    const next = times[place + 1];
    return next === undefined ? 0 : at(next);
  };
  const steps = times.map((time, place) => ({
    sigma: at(time),
    next: following(time, place),
    time,
  }));
  return { steps, space: "unit", initialScale: 1 };
}
