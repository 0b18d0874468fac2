/** Which hidden state of an encoder becomes the context. */
import { FacetError } from "../../errors.ts";
import type { ClipConfig } from "../clip-config.ts";
import type { Family } from "../unet-config.ts";
import type { Convention } from "./conditioning.ts";

export interface Layer {
  /** 0 is what enters the first layer, the number of layers what leaves the last. */
  readonly index: number;
  /** Whether the final norm is applied to it. */
  readonly normalized: boolean;
}

/** SDXL was trained on the last layer but one, SD1.5 on the last. */
const trainedOn: Record<Family, number> = { sdxl: 2, sd15: 1 };

/**
 * `skip` counts layers from the end as A1111 and ComfyUI do: 1 is the last. diffusers' own `clip_skip` is one less
 * for SD1.5 and two less for SDXL. Null is the family's own.
 */
export function contextLayer(
  convention: Convention,
  family: Family,
  { layers, component }: ClipConfig,
  skip: number | null,
): Layer {
  const fromEnd = skip ?? trainedOn[family];
  const normalized = family === "sd15";
  if (fromEnd <= layers) return { index: layers - fromEnd + 1, normalized };
  // ComfyUI then takes the last state with its norm, of SDXL too (comfy/sd1_clip.py, set_clip_options).
  if (convention === "comfy") return { index: layers, normalized: true };
  if (fromEnd === layers + 1) return { index: 0, normalized };
  throw new FacetError(
    "invalid-argument",
    `Clip skip ${fromEnd} leaves out more than the ${layers} layers of ${component}: choose at most ${layers + 1}.`,
    { field: "clipSkip" },
  );
}
