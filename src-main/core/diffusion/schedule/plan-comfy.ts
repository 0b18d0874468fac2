/** Plans as ComfyUI's KSampler makes them. */
import { FacetError } from "../../errors.ts";
import { comfySigmas, comfyTime } from "./comfy.ts";
import type { PlanRequest } from "./plan.ts";
import { spaced, type Spaced } from "./spaced.ts";
import { comfySchedule, TRAINING_STEPS } from "./training.ts";

export function comfyPlan({ sampler, schedule, steps, zeroTerminalSnr }: PlanRequest): Spaced {
  const training = comfySchedule(zeroTerminalSnr);
  let sigmas = comfySigmas(schedule, steps, training);
  if (sampler === "unipc") {
    if (steps === 1) {
      const message =
        "ComfyUI's UniPC leaves the noise as it is when it has one step. Take 2 steps or more.";
      throw new FacetError("invalid-argument", message, { field: "steps" });
    }
    // KSampler: the last sigma but one is discarded, and one more is asked for to begin with.
    sigmas = comfySigmas(schedule, steps + 1, training);
    sigmas.splice(-2, 1);
  }
  const first = sigmas[0] ?? 0;
  const most = training.sigmas[TRAINING_STEPS - 1] ?? 0;
  // `max_denoise`: a run from the very top begins as noise of the variance that training had there.
  const whole = first > most || Math.abs(first - most) <= 1e-5 * most;
  return {
    steps: spaced(sigmas, (sigma) => comfyTime(sigma, training)),
    space: "sigma",
    initialScale: whole ? Math.hypot(1, first) : first,
  };
}
