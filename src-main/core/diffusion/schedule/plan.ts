/** The plan of a run: at which noise levels the UNet is asked, what time it is told, and how large the first noise is. */
import { FacetError } from "../../errors.ts";
import type { ComfyScheduler } from "./comfy.ts";
import { comfyPlan } from "./plan-comfy.ts";
import { diffusersPlan } from "./plan-diffusers.ts";
import { TRAINING_STEPS } from "./training.ts";

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
  /** The UNet is asked once a step by every sampler: what UniPC corrects with serves its next step too. */
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
