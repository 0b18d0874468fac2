/** Euler's steps to below the next noise level, and fresh noise up to it (k-diffusion's get_ancestral_step, eta 1). */
import { combine, type Run } from "./run.ts";

export async function eulerAncestral(run: Run, latent: Float64Array): Promise<Float64Array> {
  let x = latent;
  for (const [step, { sigma, next }] of run.plan.steps.entries()) {
    const denoised = await run.denoise(x, step);
    if (next === 0) {
      x = denoised;
      continue;
    }
    const up = Math.min(next, Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2));
    const down = Math.sqrt(next ** 2 - up ** 2);
    x = combine([down / sigma, x], [1 - down / sigma, denoised], [up, run.noise()]);
  }
  return x;
}
