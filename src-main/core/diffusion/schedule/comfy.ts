/** ComfyUI's schedulers: which sigmas a run goes through, and the time that the UNet is told for each (comfy/samplers.py). */
import { missingCase } from "../../errors.ts";
import { linspace } from "./linspace.ts";
import { type ComfySchedule, TRAINING_STEPS } from "./training.ts";

export type ComfyScheduler = "normal" | "karras" | "simple" | "sgm-uniform" | "ddim-uniform";

/** The exponent of Karras et al. 2022. */
const RHO = 7;
const LAST = TRAINING_STEPS - 1;

const round = Math.fround;

/** Sigmas from noise to 0: one more than there are steps. `ddim-uniform` may take other than the steps asked for. */
export function comfySigmas(
  scheduler: ComfyScheduler,
  steps: number,
  training: ComfySchedule,
): number[] {
  const { sigmas } = training;
  const at = (place: number): number => sigmas[place] ?? 0;
  switch (scheduler) {
    case "normal":
      return [...linspace(LAST, 0, steps).map((time) => sigmaAt(time, training)), 0];
    case "sgm-uniform":
      return [
        ...linspace(LAST, 0, steps + 1)
          .slice(0, -1)
          .map((time) => sigmaAt(time, training)),
        0,
      ];
    case "simple":
      return [
        ...Array.from({ length: steps }, (_, i) =>
          at(LAST - Math.trunc(i * (TRAINING_STEPS / steps))),
        ),
        0,
      ];
    case "karras": {
      const least = at(0) ** (1 / RHO);
      const most = at(LAST) ** (1 / RHO);
      const difference = round(least - most);
      const ramp = linspace(0, 1, steps);
      return [
        ...ramp.map((part) => round(round(round(most) + round(part * difference)) ** RHO)),
        0,
      ];
    }
    case "ddim-uniform": {
      const rising: number[] = [0];
      for (
        let place = 1;
        place < TRAINING_STEPS;
        place += Math.max(1, Math.floor(TRAINING_STEPS / steps))
      ) {
        rising.push(at(place));
      }
      return rising.reverse();
    }
    default:
      return missingCase(scheduler);
  }
}

/** The sigma of a time between two training steps: logarithms are interpolated, in float32. */
function sigmaAt(time: number, { logSigmas }: ComfySchedule): number {
  const low = logSigmas[Math.floor(time)] ?? 0;
  const high = logSigmas[Math.ceil(time)] ?? 0;
  const part = round(time - Math.floor(time));
  return round(Math.exp(round(round(round(1 - part) * low) + round(part * high))));
}

/** The UNet is told the whole training step whose logarithm is nearest, the lower of two equally near. */
export function comfyTime(sigma: number, { logSigmas }: ComfySchedule): number {
  const logarithm = round(Math.log(sigma));
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  for (let i = 0; i < logSigmas.length; i++) {
    const here = Math.abs(round(logarithm - (logSigmas[i] ?? 0)));
    if (here < distance) [best, distance] = [i, here];
  }
  return best;
}
