/** Classifier-free guidance: the model's predictions with and without the prompt become one, rescaled if asked. */
import { missingCase } from "../errors.ts";

export interface Guidance {
  readonly convention: "comfy" | "diffusers";
  readonly prediction: "epsilon" | "velocity";
  readonly scale: number;
  /** From 0, guidance as it is, to 1, the deviation of the conditional prediction. */
  readonly rescale: number;
}

/**
 * Which predictions a run needs. ComfyUI skips the negative prompt at scale 1; diffusers guides only above 1, so that
 * its 0 is no guidance, where ComfyUI's 0 is the negative prompt alone.
 */
export function guides({ convention, scale }: Pick<Guidance, "convention" | "scale">): boolean {
  // math.isclose with its relative tolerance.
  return convention === "diffusers"
    ? scale > 1
    : Math.abs(scale - 1) > 1e-9 * Math.max(Math.abs(scale), 1);
}

/** Where predictions were made: what the UNet took of one picture, and the sigma there. */
export interface GuidancePlace {
  readonly latent: Float32Array;
  readonly sigma: number;
}

/**
 * The guided prediction of one picture, of the kind that the model makes. Pictures, noise and velocity are linear in
 * each other at one place, so it does not matter on which of them plain guidance acts; rescaling it does: diffusers
 * rescales what the model predicts, ComfyUI's RescaleCFG always velocity.
 */
export function guide(
  { convention, prediction, scale, rescale }: Guidance,
  conditional: Float32Array,
  unconditional: Float32Array,
  place: GuidancePlace,
): Float32Array {
  const guided = conditional.map((value, i) => {
    const without = unconditional[i] ?? 0;
    return without + scale * (value - without);
  });
  if (rescale === 0) return guided;
  switch (convention) {
    case "diffusers":
      return rescaled(guided, conditional, rescale);
    case "comfy": {
      if (prediction === "velocity") return rescaled(guided, conditional, rescale);
      // velocity = sqrt(1 + sigma^2) epsilon - sigma latent, with the latent of unit variance
      const size = Math.hypot(1, place.sigma);
      const drift = (i: number): number => place.sigma * (place.latent[i] ?? 0);
      const velocity = (values: Float32Array): Float32Array =>
        values.map((value, i) => size * value - drift(i));
      return rescaled(velocity(guided), velocity(conditional), rescale).map(
        (value, i) => (value + drift(i)) / size,
      );
    }
    default:
      return missingCase(convention);
  }
}

/** Lin et al. 2024, section 3.4. */
function rescaled(guided: Float32Array, conditional: Float32Array, part: number): Float32Array {
  const factor = part * (deviation(conditional) / deviation(guided)) + (1 - part);
  return guided.map((value) => value * factor);
}

/** torch.std over one picture: of a sample (n - 1). */
function deviation(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}
