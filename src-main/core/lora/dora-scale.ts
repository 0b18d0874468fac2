/**
 * DoRA (Liu et al. 2024, https://arxiv.org/abs/2402.09353): the factor by which the sum of weight and delta is scaled,
 * along its rows or its input channels, so that their norms become what was trained.
 */
import { columns, type LoraModule, type Magnitude } from "./lora.ts";

/** What of float32 ComfyUI and LyCORIS add to norms. */
const epsilon = 2 ** -23;

/**
 * Which norms the magnitudes are divided by. `sum`: of weight + delta, as the paper, peft and LyCORIS. `comfy`: of the
 * weight alone where there is one for each row, of weight + delta where there is one for each input channel (ComfyUI's
 * weight_decompose, 2026-11: what its pictures are made with).
 */
export type DoraNorm = "comfy" | "sum";

/** `[out]` or `[in]` by the magnitude's axis: at strength 1 the weight becomes `(weight + delta) * factor`. */
export function doraFactor(
  module: LoraModule & { readonly magnitude: Magnitude },
  weight: Float32Array,
  norm: DoraNorm,
): Float32Array {
  const { out, magnitude } = module;
  const { axis, values } = magnitude;
  const width = columns(module);
  const taps = module.kernel[0] * module.kernel[1];
  const squares = new Float64Array(values.length);
  const row = new Float64Array(width);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < width; i++) row[i] = weight[o * width + i] as number;
    if (norm === "sum" || axis === "in") addDelta(row, module, o);
    for (let i = 0; i < width; i++) {
      const place = axis === "out" ? o : Math.floor(i / taps);
      squares[place] = (squares[place] as number) + (row[i] as number) ** 2;
    }
  }
  return values.map((value, place) => value / (Math.sqrt(squares[place] as number) + epsilon));
}

function addDelta(row: Float64Array, { rank, up, down }: LoraModule, o: number): void {
  const width = row.length;
  for (let j = 0; j < rank; j++) {
    const factor = up[o * rank + j] as number;
    if (factor === 0) continue;
    const start = j * width;
    for (let i = 0; i < width; i++) {
      row[i] = (row[i] as number) + factor * (down[start + i] as number);
    }
  }
}

/** At strength s the weight is `(1 - s) weight + s factor (weight + delta)`: this is what multiplies `weight`. */
export function factorAt(factor: Float32Array, strength: number): Float32Array {
  return factor.map((value) => 1 - strength + strength * value);
}
