/** DoRA's magnitudes: which tensor, along which axis, and what cannot be done with a LoRA that has them. */
import { FacetError } from "../../errors.ts";
import { elementCount } from "../../tensor/dtype.ts";
import type { TensorEntry } from "../../formats/source.ts";
import type { Lora, Magnitude } from "../lora.ts";
import type { Parts } from "./adapter.ts";

export interface MagnitudeEntry {
  readonly entry: TensorEntry;
  readonly axis: Magnitude["axis"];
  /** By whose convention it is stored: LyCORIS' `dora_scale`, or PEFT's `lora_magnitude_vector`. */
  readonly stored: "dora" | "magnitude";
}

/**
 * LyCORIS stores `[out, 1, …]` or `[1, in, …]`, and ComfyUI takes it for rows where the first size is the weight's
 * (formats.md 1.5). PEFT's are of rows always: `[out]`, of convolutions `[1, out, 1, 1]`.
 */
export function findMagnitude(parts: Parts): MagnitudeEntry | undefined {
  const scale = parts.find("dora");
  const entry = scale ?? parts.find("magnitude");
  if (!entry) return undefined;
  const { module } = parts;
  const axis = !scale || entry.shape[0] === module.out ? "out" : "in";
  if (elementCount(entry.shape) !== module[axis]) {
    const expected = scale ? `[${module.out}, 1] or [1, ${module.in}]` : `[${module.out}]`;
    parts.mismatch(entry, expected);
  }
  return { entry, axis, stored: scale ? "dora" : "magnitude" };
}

/**
 * Throws for a LoRA with magnitudes: its change of a weight depends on that weight, so products of its matrices are not
 * the change.
 *
 * @param what e.g. "be blended".
 */
export function refuseMagnitudes(lora: Lora, what: string): void {
  const modules = lora.modules.filter(({ magnitude }) => magnitude !== undefined);
  const [first] = modules;
  if (!first) return;
  throw new FacetError(
    "needs-base-weight",
    `DoRA rescales the merged weight (\`dora_scale\`): ${String(modules.length)} module${modules.length === 1 ? "" : "s"}, the first ${first.path}. Without its base model it cannot ${what}; pictures can be made with it as it is. Convert the file to a plain LoRA first, by merging it into its base and extracting the difference.`,
    { field: first.path },
  );
}
