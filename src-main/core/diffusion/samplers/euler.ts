/** Euler's steps along the probability flow (Karras et al. 2022, algorithm 2 without churn); ComfyUI's `ddim` is the same. */
import { combine, type Run } from "./run.ts";

export async function euler(run: Run, latent: Float64Array): Promise<Float64Array> {
  let x = latent;
  for (const [step, { sigma, next }] of run.plan.steps.entries()) {
    const denoised = await run.denoise(x, step);
    // x + (next - sigma) (x - denoised) / sigma
    x = combine([next / sigma, x], [1 - next / sigma, denoised]);
  }
  return x;
}
