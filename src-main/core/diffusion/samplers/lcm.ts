/** Latent consistency models: each step goes all the way to a picture, and noise leads back (Luo et al. 2023). */
import { combine, type Run, signalAndNoise } from "./run.ts";

/** ComfyUI: the picture itself is re-noised. */
export async function lcmComfy(run: Run, latent: Float64Array): Promise<Float64Array> {
  let x = latent;
  for (const [step, { next }] of run.plan.steps.entries()) {
    const denoised = await run.denoise(x, step);
    x = next === 0 ? denoised : combine([1, denoised], [next, run.noise()]);
  }
  return x;
}

/** LCMScheduler: `timestep_scaling` and `sigma_data`. */
const TIME_SCALE = 10;
const DATA_DEVIATION = 0.5;

/** diffusers: a little of the latent is mixed in, so that time 0 would change nothing (boundary condition). */
export async function lcmDiffusers(run: Run, latent: Float64Array): Promise<Float64Array> {
  let x = latent;
  for (const [step, { next, time }] of run.plan.steps.entries()) {
    const size = Math.hypot(TIME_SCALE * time, DATA_DEVIATION);
    const denoised = combine(
      [(TIME_SCALE * time) / size, await run.denoise(x, step)],
      [(DATA_DEVIATION / size) ** 2, x],
    );
    const { signal, noise } = signalAndNoise(next);
    x =
      step === run.plan.steps.length - 1
        ? denoised
        : combine([signal, denoised], [noise, run.noise()]);
  }
  return x;
}
