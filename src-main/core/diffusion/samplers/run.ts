/** What every sampler is given: its plan, a model that says what the picture is, and fresh noise. */
import type { Plan } from "../schedule/plan.ts";

export interface Run {
  readonly plan: Plan;
  /** The picture that the model sees in the latent of a step; asked once a step, in order. */
  denoise(latent: Float64Array, step: number): Promise<Float64Array>;
  /** Unit normal numbers, one for each of the latent's. */
  noise(): Float32Array;
}

/** From the first latent to the last, both in the plan's space. Latents given to `denoise` are not altered afterwards. */
export type Sampler = (run: Run, latent: Float64Array) => Promise<Float64Array>;

/** The parts of picture and noise in a latent of unit variance; sigma may be infinite. */
export function signalAndNoise(sigma: number): { readonly signal: number; readonly noise: number } {
  if (sigma === Number.POSITIVE_INFINITY) return { signal: 0, noise: 1 };
  const size = Math.hypot(1, sigma);
  return { signal: 1 / size, noise: sigma / size };
}

/** Sums of arrays times numbers. */
export function combine(...parts: readonly (readonly [number, ArrayLike<number>])[]): Float64Array {
  const out = new Float64Array(parts[0]?.[1].length ?? 0);
  for (const [factor, values] of parts) {
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + factor * (values[i] ?? 0);
  }
  return out;
}
