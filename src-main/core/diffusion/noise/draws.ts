/** Which generator draws which noise of a picture, in which order: ComfyUI's way and diffusers'. */
import { missingCase } from "../../errors.ts";
import { TorchGenerator } from "./torch-generator.ts";

export interface NoiseDraws {
  /** What the picture begins as: unit normal numbers for the whole batch at once. */
  first(count: number): Float32Array;
  /** What a stochastic sampler adds in a step. */
  next(count: number): Float32Array;
}

/**
 * The noise of a run on a CPU, in float32. On a GPU ComfyUI draws the first noise on the CPU all the same, but a step's
 * noise on the GPU; diffusers draws where its generator is. In half precision torch rounds these numbers (2.15, counts
 * that 16 divides).
 */
export function noiseDraws(convention: "comfy" | "diffusers", seed: number): NoiseDraws {
  switch (convention) {
    case "comfy": {
      // comfy/sample.py prepare_noise and k_diffusion/sampling.py default_noise_sampler: a generator each. The second
      // would repeat the first noise on a CPU, and so gets the next seed there (since versions after 0.3.64).
      const steps = new TorchGenerator(seed + 1);
      return {
        first: (count) => new TorchGenerator(seed).normal(count),
        next: (count) => steps.normal(count),
      };
    }
    case "diffusers": {
      // One `generator` argument goes from prepare_latents to every step.
      const all = new TorchGenerator(seed);
      return { first: (count) => all.normal(count), next: (count) => all.normal(count) };
    }
    default:
      return missingCase(convention);
  }
}
