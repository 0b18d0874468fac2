/** Small SD1.5 LoRAs with a known structure: five modules, rank 2, products that lie in a space of three directions. */
import { type TensorFileContent, writeTensorFile } from "./safetensors.ts";

export interface SmallModule {
  /** kohya's name, spelt out from formats.md 1.2. */
  readonly kohya: string;
  readonly peft: string;
  readonly out: number;
  readonly in: number;
}

const block = "down_blocks_0_attentions_0_transformer_blocks_0";
const dotted = "down_blocks.0.attentions.0.transformer_blocks.0";

/** In architecture order. */
export const smallModules: readonly SmallModule[] = [
  { kohya: `lora_unet_${block}_attn1_to_q`, peft: `unet.${dotted}.attn1.to_q`, out: 320, in: 320 },
  { kohya: `lora_unet_${block}_attn2_to_k`, peft: `unet.${dotted}.attn2.to_k`, out: 320, in: 768 },
  { kohya: `lora_unet_${block}_attn2_to_v`, peft: `unet.${dotted}.attn2.to_v`, out: 320, in: 768 },
  {
    kohya: "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_v",
    peft: "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v",
    out: 1280,
    in: 1280,
  },
  {
    kohya: "lora_te_text_model_encoder_layers_0_self_attn_q_proj",
    peft: "text_encoder.text_model.encoder.layers.0.self_attn.q_proj",
    out: 768,
    in: 768,
  },
];

export const smallRank = 2;
/** Not the rank, so that a scale forgotten anywhere shows. */
export const smallAlpha = 1;

/** xorshift32: numbers in -1..1 that are the same everywhere. */
function numbers(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return (2 * state) / 2 ** 32 - 1;
  };
}

/** One matrix shared by all, which `seed`ed weights bend along three directions. */
function matrix(size: number, tag: number, seed: number): Float32Array {
  const weigh = numbers(seed);
  const weights = [1, weigh() / 2, weigh() / 2, weigh() / 2];
  const values = new Float32Array(size);
  weights.forEach((weight, direction) => {
    const next = numbers(1000 * tag + direction + 1);
    for (let index = 0; index < size; index++)
      values[index] = (values[index] ?? 0) + weight * next() * 0.05;
  });
  return values;
}

/** Writes one member in kohya's names; the same seed gives the same bytes. */
export function writeSmallLora(
  path: string,
  seed: number,
  metadata: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, { shape: number[]; values: ArrayLike<number> }>> = {},
): void {
  const tensors = { ...more };
  smallModules.forEach(({ kohya, out, in: columns }, index) => {
    tensors[`${kohya}.alpha`] = { shape: [], values: [smallAlpha] };
    tensors[`${kohya}.lora_down.weight`] = {
      shape: [smallRank, columns],
      values: matrix(smallRank * columns, 2 * index, seed),
    };
    tensors[`${kohya}.lora_up.weight`] = {
      shape: [out, smallRank],
      values: matrix(out * smallRank, 2 * index + 1, seed),
    };
  });
  writeTensorFile(path, tensors, {
    ss_network_module: "networks.lora",
    ss_base_model_version: "sd_v1",
    ...metadata,
  });
}

/** Delta of one module of a kohya or PEFT file: alpha / rank * up * down, row-major, in float64. */
export function deltaOf(
  file: TensorFileContent,
  module: SmallModule,
  dialect: "kohya" | "peft",
): Float64Array {
  const [name, downName, upName] =
    dialect === "kohya"
      ? [module.kohya, "lora_down.weight", "lora_up.weight"]
      : [module.peft, "lora_A.weight", "lora_B.weight"];
  const down = file.tensors.get(`${name}.${downName}`);
  const up = file.tensors.get(`${name}.${upName}`);
  if (down === undefined || up === undefined) throw new Error(`${name} is missing`);
  const rank = down.shape[0] ?? 0;
  const alpha = file.tensors.get(`${name}.alpha`)?.values[0] ?? rank;
  const delta = new Float64Array(module.out * module.in);
  for (let row = 0; row < module.out; row++) {
    for (let at = 0; at < rank; at++) {
      const factor = ((up.values[row * rank + at] ?? NaN) * alpha) / rank;
      for (let column = 0; column < module.in; column++) {
        const index = row * module.in + column;
        delta[index] = (delta[index] ?? 0) + factor * (down.values[at * module.in + column] ?? NaN);
      }
    }
  }
  return delta;
}

/** Norm of the difference over the norm of the left. */
export function relativeDifference(left: Float64Array, right: Float64Array): number {
  let difference = 0;
  let norm = 0;
  left.forEach((value, index) => {
    difference += (value - (right[index] ?? NaN)) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}
