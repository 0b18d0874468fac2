/** The schedulers of diffusers 0.42: which training steps a run goes through, and their sigmas. */
import { type DiffusersSchedule, TRAINING_STEPS } from "./training.ts";

export type Spacing = "leading" | "trailing" | "linspace";

/** `steps_offset` of SDXL's and SD1.5's published scheduler configurations. */
const OFFSET = 1;
const LAST = TRAINING_STEPS - 1;
/** The exponent of Karras et al. 2022. */
const RHO = 7;
/** LCM was distilled on every 20th training step. */
export const LCM_STEPS = 50;

/**
 * Times of Euler, Euler ancestral and DDIM, falling.
 * linspace gives times between training steps, which Euler hands to the UNet as they are.
 */
export function singleStepTimes(spacing: Spacing, steps: number): number[] {
  if (spacing === "trailing") return trailing(steps);
  if (spacing === "leading") return leading(Math.floor(TRAINING_STEPS / steps), steps, 0);
  return Array.from({ length: steps }, (_, i) => Math.fround(fromZero(steps - 1 - i, steps)));
}

/** Times of DPM++ 2M and UniPC: rounded, and of one more step, the least of which is left out. */
export function multistepTimes(spacing: Spacing, steps: number): number[] {
  if (spacing === "trailing") return trailing(steps);
  if (spacing === "leading") return leading(Math.floor(TRAINING_STEPS / (steps + 1)), steps, 1);
  return Array.from({ length: steps }, (_, i) => roundToEven(fromZero(steps - i, steps + 1)));
}

/** LCM: of its 50 steps as many as asked, evenly by their places. */
export function lcmTimes(steps: number): number[] {
  const stride = TRAINING_STEPS / LCM_STEPS;
  return Array.from(
    { length: steps },
    (_, i) => LAST - stride * Math.floor(i * (LCM_STEPS / steps)),
  );
}

/** `skipped`: how many of the least times are left out. */
function leading(stride: number, steps: number, skipped: number): number[] {
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i + skipped) * stride + OFFSET);
}

function trailing(steps: number): number[] {
  // numpy's arange goes by the difference of its first two values. Of 61 steps it makes 62 by a rounding, the last at
  // time -1, which is not followed here.
  const stride = TRAINING_STEPS - (TRAINING_STEPS - TRAINING_STEPS / steps);
  return Array.from({ length: steps }, (_, i) => roundToEven(TRAINING_STEPS - i * stride) - 1);
}

/** The i-th of `count` values from 0 to the last training step; of one value, 0. */
function fromZero(i: number, count: number): number {
  if (count === 1) return 0;
  return i === count - 1 ? LAST : i * (LAST / (count - 1));
}

/** numpy rounds halves to even numbers. */
export function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const part = value - floor;
  if (part !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Between two training steps sigmas (not their logarithms) are interpolated. */
export function sigmasAt(times: readonly number[], { sigmas }: DiffusersSchedule): number[] {
  return times.map((time) => {
    const low = sigmas[Math.floor(time)] ?? 0;
    const high = sigmas[Math.ceil(time)] ?? low;
    return Math.fround(low + (high - low) * (time - Math.floor(time)));
  });
}

/** Karras' spacing from `most` to `least`, with times that are interpolated in logarithms. */
export function karras(
  most: number,
  least: number,
  steps: number,
  { sigmas }: DiffusersSchedule,
): { readonly sigma: number; readonly time: number }[] {
  const from = most ** (1 / RHO);
  const to = least ** (1 / RHO);
  return Array.from({ length: steps }, (_, i) => {
    const part = steps === 1 ? 0 : i / (steps - 1);
    const sigma = (from + part * (to - from)) ** RHO;
    return { sigma: Math.fround(sigma), time: timeOf(sigma, sigmas) };
  });
}

/** _sigma_to_t: clipped to the training steps. */
function timeOf(sigma: number, sigmas: Float32Array): number {
  const logarithm = Math.log(sigma);
  let low = sigmas.findLastIndex((value) => Math.fround(Math.log(value)) <= logarithm);
  low = Math.min(Math.max(low, 0), LAST - 1);
  const below = Math.fround(Math.log(sigmas[low] ?? 1));
  const above = Math.fround(Math.log(sigmas[low + 1] ?? 1));
  return low + Math.min(1, Math.max(0, (below - logarithm) / (below - above)));
}
