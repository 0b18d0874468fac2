/** DPM-Solver++(2M), midpoint (Lu et al. 2022, algorithm 2): k-diffusion's and diffusers' are one formula in sigma space. */
import { combine, type Run } from "./run.ts";

export async function dpmpp2m(run: Run, latent: Float64Array): Promise<Float64Array> {
  let x = latent;
  let before: { denoised: Float64Array; logarithm: number } | undefined;
  for (const [step, { sigma, next }] of run.plan.steps.entries()) {
    const denoised = await run.denoise(x, step);
    const logarithm = Math.log(sigma);
    // Of the half-logSNR, which grows: h is infinite on the last step, which ends on the picture.
    const h = logarithm - Math.log(next);
    const towards = -Math.expm1(-h);
    // The last step is of first order, as is the first.
    const weight =
      before === undefined || next === 0 ? 0 : h / (2 * (before.logarithm - logarithm));
    x = combine(
      [next / sigma, x],
      [towards * (1 + weight), denoised],
      [-towards * weight, before?.denoised ?? denoised],
    );
    before = { denoised, logarithm };
  }
  return x;
}
