/** The noise levels that SD1.5 and SDXL were trained on: betas, their products and sigmas, in the roundings of each convention. */

import { linspace } from "./linspace.ts";

/** Both families: `scaled_linear`. */
const BETA_START = 0.00085;
const BETA_END = 0.012;
export const TRAINING_STEPS = 1000;

/** ComfyUI's last product when the terminal signal is zero (comfy/model_sampling.py): its sigma stays finite, 4518.9. */
const COMFY_LAST_PRODUCT = 4.8973451890853435e-8;
/** Diffusers' for schedulers that work in sigmas: the smallest float16, sigma 4096. */
const DIFFUSERS_LAST_PRODUCT = 2 ** -24;

const round = Math.fround;

/** torch.linspace in float64: from both ends to the middle. */
function linearRoots(): Float64Array {
  const [start, end] = [Math.sqrt(BETA_START), Math.sqrt(BETA_END)];
  const step = (end - start) / (TRAINING_STEPS - 1);
  return Float64Array.from({ length: TRAINING_STEPS }, (_, i) =>
    i < TRAINING_STEPS / 2 ? start + step * i : end - step * (TRAINING_STEPS - 1 - i),
  );
}

/** sqrt((1 - a) / a): the noise over the signal. */
export function sigmaOf(product: number): number {
  return Math.sqrt((1 - product) / product);
}

export interface ComfySchedule {
  /** Float32 values, rising; of them ComfyUI's schedulers choose. */
  readonly sigmas: Float32Array;
  /** Their logarithms, rounded from float64: where a sigma's time is looked up. */
  readonly logSigmas: Float32Array;
}

/** In float64 throughout, rounded at the end (comfy/model_sampling.py ModelSamplingDiscrete). */
export function comfySchedule(zeroTerminalSnr: boolean): ComfySchedule {
  let product = 1;
  let products = linearRoots().map((root) => (product *= 1 - root * root));
  if (zeroTerminalSnr) {
    // There by way of the sigmas.
    const signals = products.map((value) => Math.sqrt(1 / (sigmaOf(value) ** 2 + 1)));
    const first = signals[0] ?? 1;
    const last = signals[TRAINING_STEPS - 1] ?? 0;
    products = signals.map((signal) => ((signal - last) * (first / (first - last))) ** 2);
    products[TRAINING_STEPS - 1] = COMFY_LAST_PRODUCT;
  }
  const sigmas = products.map(sigmaOf);
  return { sigmas: Float32Array.from(sigmas), logSigmas: Float32Array.from(sigmas, Math.log) };
}

export interface DiffusersSchedule {
  /** Cumulative products of 1 - beta; the last is 0 when the terminal signal is zero. */
  readonly products: Float32Array;
  /** Of the products, the last of which is kept from 0 as the schedulers that work in sigmas keep it. */
  readonly sigmas: Float32Array;
}

/** In float32 throughout, as every scheduler of diffusers begins; torch's products accumulate in float64. */
export function diffusersSchedule(zeroTerminalSnr: boolean): DiffusersSchedule {
  const roots = linspace(Math.sqrt(BETA_START), Math.sqrt(BETA_END), TRAINING_STEPS);
  let alphas = roots.map((root) => 1 - round(root * root));
  let products = cumulative(alphas);
  if (zeroTerminalSnr) {
    // Lin et al. 2024, algorithm 1 (rescale_zero_terminal_snr): through the betas and back.
    const signals = products.map(Math.sqrt);
    const first = signals[0] ?? 1;
    const last = signals[TRAINING_STEPS - 1] ?? 0;
    const scale = round(first / round(first - last));
    const rescaled = signals.map((signal) => round(round(signal - last) * scale) ** 2);
    alphas = rescaled.map((value, i) => {
      const alpha = i === 0 ? value : round(value / (rescaled[i - 1] ?? 1));
      return 1 - round(1 - alpha);
    });
    products = cumulative(alphas);
  }
  const kept = Float32Array.from(products);
  if (zeroTerminalSnr) kept[TRAINING_STEPS - 1] = DIFFUSERS_LAST_PRODUCT;
  return {
    products,
    sigmas: kept.map((product) => Math.sqrt(round(round(1 - product) / product))),
  };
}

function cumulative(factors: Float32Array): Float32Array {
  let product = 1;
  return factors.map((factor) => (product *= factor));
}
