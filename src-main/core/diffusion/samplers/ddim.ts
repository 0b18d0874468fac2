/** DDIM without noise (Song et al. 2021, formula 12), as diffusers steps: in a latent of unit variance, to a product near 1. */
import { combine, type Run, signalAndNoise } from "./run.ts";

export async function ddim(run: Run, latent: Float64Array): Promise<Float64Array> {
  let x = latent;
  for (const [step, { sigma, next }] of run.plan.steps.entries()) {
    const denoised = await run.denoise(x, step);
    const from = signalAndNoise(sigma);
    const to = signalAndNoise(next);
    // signal' denoised + noise' epsilon, where epsilon = (x - signal denoised) / noise
    const kept = to.noise / from.noise;
    x = combine([kept, x], [to.signal - kept * from.signal, denoised]);
  }
  return x;
}
