/** In which type the autoencoder is computed: halves only where they are known not to overflow. */
import type { Family } from "./unet-config.ts";

export interface VaeSituation {
  /** Of the runtime: `cpu`, `cuda`. */
  readonly provider: string;
  readonly family: Family;
  /** What a diffusers folder says of its VAE; false for `sdxl-vae-fp16-fix` and its like. */
  readonly forceUpcast?: boolean | undefined;
}

/**
 * SDXL's own VAE has activations beyond 65,504 (hence `force_upcast` in its configuration), and a single file does not
 * tell whether its VAE is the repaired one. SD1.5's fit. What is decoded in halves is looked at (`isSpoilt`) and
 * decoded again in F32 where it is spoilt.
 */
export function vaeType({ provider, family, forceUpcast }: VaeSituation): "F16" | "F32" {
  // The CPU computes in F32 whatever it is given: rounding between would lose exactness and gain nothing.
  if (provider === "cpu") return "F32";
  return (forceUpcast ?? family === "sdxl") ? "F32" : "F16";
}
