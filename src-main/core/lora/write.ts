/** Lays a LoRA out as the tensors of a file in one of the dialects that other tools load completely. */
import type { PlannedTensor } from "../formats/safetensors/write.ts";
import { mostFrequent } from "./alpha.ts";
import { refuseMagnitudes } from "./convert/dora.ts";
import type { WritableDialect } from "./dialects/dialect.ts";
import { kohyaDiffusers } from "./dialects/kohya-diffusers.ts";
import { kohyaSgm } from "./dialects/kohya-sgm.ts";
import { peft } from "./dialects/peft.ts";
import { bundledEmbeddings } from "./embeddings.ts";
import type { Family, Lora, LoraModule } from "./lora.ts";

export type WrittenDialect = "kohya" | "kohya-diffusers" | "peft";
export type WrittenDtype = "F16" | "BF16" | "F32";

/** What a DoRA cannot: relabel.ts copies the magnitudes of an original, and only as they are. */
const unchanged =
  "be written anew; an original in kohya's format can be exported in that format and its own precision";

/** `kohya` is what kohya itself writes: sgm names for SDXL, diffusers names for SD1.5. */
export function writerFor(dialect: WrittenDialect, family: Family): WritableDialect {
  if (dialect === "peft") return peft;
  return dialect === "kohya" && family === "sdxl" ? kohyaSgm : kohyaDiffusers;
}

/**
 * The alpha that a module is written with: its rank, as the scale is folded into `up`. In kohya's dialects all modules
 * share the most frequent rank, since diffusers misses alphas that differ (see alpha.ts).
 */
export function writtenAlpha(lora: Lora, dialect: WrittenDialect): (module: LoraModule) => number {
  if (dialect === "peft") return ({ rank }) => rank;
  const shared = mostFrequent(lora.modules.map(({ rank }) => rank));
  return () => shared;
}

/**
 * Tensors in architecture order. Alpha is written wherever the format has a place among the tensors (PEFT keeps it in
 * the metadata: see metadata.ts).
 */
export function planLora(
  lora: Lora,
  dialect: WrittenDialect,
  dtype: WrittenDtype,
): PlannedTensor[] {
  refuseMagnitudes(lora, unchanged);
  const writer = writerFor(dialect, lora.family);
  const { suffixes } = writer;
  const alphaOf = writtenAlpha(lora, dialect);
  const planned: PlannedTensor[] = [];
  for (const module of lora.modules) {
    const name = writer.write(module, lora.family);
    const { rank } = module;
    const alpha = alphaOf(module);
    if (suffixes.alpha !== undefined) {
      planned.push({
        name: `${name}${suffixes.alpha}`,
        dtype: exactly(alpha, dtype) ? dtype : "F32",
        shape: [],
        values: () => Float32Array.of(alpha),
      });
    }
    planned.push(
      {
        name: `${name}${suffixes.down}`,
        dtype,
        shape: module.conv ? [rank, module.in, ...module.kernel] : [rank, module.in],
        values: () => module.down,
      },
      {
        name: `${name}${suffixes.up}`,
        dtype,
        shape: module.conv ? [module.out, rank, 1, 1] : [module.out, rank],
        values: () => (alpha === rank ? module.up : module.up.map((up) => (up * rank) / alpha)),
      },
    );
  }
  if (dialect === "peft") return planned;
  return [
    ...planned,
    ...bundledEmbeddings(lora, (name, shape, values) => ({ name, dtype, shape, values })),
  ];
}

/** Bits of a number's significand, the leading one included. */
const significand = { F32: 24, F16: 11, BF16: 8 } as const;

/** Whether an alpha survives the type: above 256 not every whole number is a bfloat16. */
function exactly(alpha: number, dtype: WrittenDtype): boolean {
  let odd = alpha;
  while (odd > 0 && odd % 2 === 0) odd /= 2;
  return odd < 2 ** significand[dtype];
}
