/** The plan of a run: at which noise levels the UNet is asked, what time it is told, and how large the first noise is. */
import { FacetError, missingCase } from "../../errors.ts";
import { type ComfyScheduler, comfySigmas, comfyTime } from "./comfy.ts";
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
import {
  comfySchedule,
  diffusersSchedule,
  type DiffusersSchedule,
  sigmaOf,
  TRAINING_STEPS,
} from "./training.ts";

export type SamplerName = "euler" | "euler-ancestral" | "dpmpp-2m" | "ddim" | "unipc" | "lcm";

export interface PlanRequest {
  readonly convention: "comfy" | "diffusers";
  readonly sampler: SamplerName;
  /**
   * ComfyUI's name. In diffusers' convention `normal` is the spacing of the family's published configuration,
   * `karras` is use_karras_sigmas, `simple` and `sgm-uniform` are trailing (as its documentation maps them; what Turbo
   * and Lightning take); LCM there has one spacing of its own under all three.
   */
  readonly schedule: ComfyScheduler;
  readonly steps: number;
  readonly family: "sdxl" | "sd15";
  readonly prediction: "epsilon" | "velocity";
  readonly zeroTerminalSnr: boolean;
}

export interface PlanStep {
  /** Noise over signal where the UNet is asked; infinite for DDIM and LCM in diffusers at a terminal signal of zero. */
  readonly sigma: number;
  /** Where the step goes to. */
  readonly next: number;
  /** The training step that the UNet is told; with a fraction where Euler of diffusers has one. */
  readonly time: number;
}

export interface Plan {
  readonly convention: "comfy" | "diffusers";
  readonly sampler: SamplerName;
  readonly prediction: "epsilon" | "velocity";
  /** The UNet is asked once a step, by every sampler: correctors reuse the prediction of the step before. */
  readonly steps: readonly PlanStep[];
  /** What latents are between steps: `sigma` is picture + sigma * noise, `unit` that over sqrt(1 + sigma^2). */
  readonly space: "sigma" | "unit";
  /** Unit noise times this is the first latent. */
  readonly initialScale: number;
}

export function planOf(request: PlanRequest): Plan {
  const { convention, sampler, prediction, steps } = request;
  if (!Number.isInteger(steps) || steps < 1 || steps > TRAINING_STEPS) {
    const message = `${steps} steps were asked for; there can be from 1 to ${TRAINING_STEPS}.`;
    throw new FacetError("invalid-argument", message, { field: "steps" });
  }
  if (request.zeroTerminalSnr && prediction === "epsilon") {
    const message =
      "A model with a terminal signal of zero has to predict velocity: where there is nothing but noise, the noise " +
      "says nothing of the picture. Choose velocity, or a model without zero terminal SNR.";
    throw new FacetError("unsupported", message, { field: "prediction" });
  }
  const plan = convention === "comfy" ? comfyPlan(request) : diffusersPlan(request);
  const stuck = plan.steps.findIndex(
    ({ sigma, next, time }) => !(next < sigma) || time < 0 || time >= TRAINING_STEPS,
  );
  if (stuck >= 0) {
    const at = plan.steps[stuck];
    const message =
      `${steps} steps do not fit: step ${stuck + 1} would go from sigma ${at?.sigma} at time ${at?.time} to ` +
      `${at?.next}. Take fewer steps.`;
    throw new FacetError("invalid-argument", message, { field: "steps" });
  }
  return { convention, sampler, prediction, ...plan };
}

type Spaced = Pick<Plan, "steps" | "space" | "initialScale">;

/** Of sigmas (one more than steps) and a time for each step. */
function spaced(
  sigmas: readonly number[],
  timeOf: (sigma: number, place: number) => number,
): readonly PlanStep[] {
  return sigmas
    .slice(0, -1)
    .map((sigma, place) => ({ sigma, next: sigmas[place + 1] ?? 0, time: timeOf(sigma, place) }));
}

function comfyPlan({ sampler, schedule, steps, zeroTerminalSnr }: PlanRequest): Spaced {
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

/**
 * What `from_config` of the published configuration gives. SDXL's says leading. SD1.5's (of PNDM) says nothing, and so
 * each scheduler falls back to its own: linspace, but leading for DDIM.
 */
function publishedSpacing({ family, sampler }: PlanRequest): Spacing {
  return family === "sdxl" || sampler === "ddim" ? "leading" : "linspace";
}

function diffusersPlan(request: PlanRequest): Spaced {
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
