/** Runs a plan: noise in, latent of a picture out, with one call of the model a step. */
import { assert } from "../../errors.ts";
import { noiseDraws } from "../noise/draws.ts";
import type { Plan, SamplerName } from "../schedule/plan.ts";
import { ddim } from "./ddim.ts";
import { dpmpp2m } from "./dpmpp-2m.ts";
import { euler } from "./euler.ts";
import { eulerAncestral } from "./euler-ancestral.ts";
import { lcmComfy, lcmDiffusers } from "./lcm.ts";
import { combine, type Run, type Sampler, signalAndNoise } from "./run.ts";
import { unipcComfy, unipcDiffusers } from "./unipc.ts";

const SAMPLERS: Readonly<Record<Plan["convention"], Readonly<Record<SamplerName, Sampler>>>> = {
  comfy: {
    euler,
    "euler-ancestral": eulerAncestral,
    "dpmpp-2m": dpmpp2m,
    // comfy/samplers.py sampler_object: DDIM without noise and Euler are one in sigma space.
    ddim: euler,
    unipc: unipcComfy,
    lcm: lcmComfy,
  },
  diffusers: {
    euler,
    "euler-ancestral": eulerAncestral,
    "dpmpp-2m": dpmpp2m,
    ddim,
    unipc: unipcDiffusers,
    lcm: lcmDiffusers,
  },
};

export interface ModelInput {
  /** Scaled to unit variance, as the UNet takes it. The same request gives the same numbers, so it serves as a key. */
  readonly latent: Float32Array;
  readonly time: number;
  readonly sigma: number;
  /** From 0. */
  readonly step: number;
}

export interface SampleRequest {
  readonly plan: Plan;
  readonly seed: number;
  /** Numbers of the whole batch's latent: pictures * 4 * height * width. */
  readonly count: number;
  /** What the UNet predicts, epsilon or velocity, after guidance. */
  readonly denoise: (input: ModelInput) => Promise<Float32Array>;
  /** The picture as it looks at a step, for previews. What it throws ends the run: that is how a run is cancelled. */
  readonly onStep?: (step: number, denoised: Float32Array) => void | Promise<void>;
}

/** The latent of the finished picture, scaled as the VAE's latents are. Steps are computed in float64. */
export async function sample({
  plan,
  seed,
  count,
  denoise,
  onStep,
}: SampleRequest): Promise<Float32Array> {
  const draws = noiseDraws(plan.convention, seed);
  const first = combine([plan.initialScale, draws.first(count)]);
  const run: Run = {
    plan,
    denoise: async (latent, step) => {
      const at = plan.steps[step];
      assert(at !== undefined, `the plan has ${plan.steps.length} steps, asked for step ${step}`);
      const { signal, noise } = signalAndNoise(at.sigma);
      const unit = plan.space === "unit" ? latent : combine([signal, latent]);
      const { sigma, time } = at;
      const predicted = await denoise({ latent: Float32Array.from(unit), time, sigma, step });
      assert(
        predicted.length === count,
        `a prediction of ${predicted.length} numbers for a latent of ${count}`,
      );
      const denoised =
        plan.prediction === "velocity"
          ? combine([signal, unit], [-noise, predicted])
          : combine([1 / signal, unit], [-noise / signal, predicted]);
      await onStep?.(step, Float32Array.from(denoised));
      return denoised;
    },
    noise: () => draws.next(count),
  };
  return Float32Array.from(await SAMPLERS[plan.convention][plan.sampler](run, first));
}
