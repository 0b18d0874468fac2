/** Small made-up LoRAs, in memory and as files. */
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { encodeSafetensors } from "../../src-main/core/formats/safetensors/write.ts";
import { columns, type Family, type Lora } from "../../src-main/core/lora/lora.ts";
import { planLora } from "../../src-main/core/lora/write.ts";
import { forkedRandom } from "../../src-main/core/tensor/random.ts";
import { writeAtomically } from "../../src-main/files/atomic-write.ts";

/** A LoRA over the query projections of the first `count` transformer blocks; the same seed gives the same one. */
export function madeUpLora(
  seed: number,
  options: { rank?: number; modules?: number; family?: Family } = {},
): Lora {
  const { rank = 2, modules: count = 4, family = "sd15" } = options;
  const shapes = modulesOf(family)
    .filter((module) => /^unet.*attn[12]\.to_[qv]$/.test(module.path))
    .slice(0, count);
  const random = forkedRandom(seed, 0);
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal() * 0.05);
  return {
    family,
    embeddings: [],
    modules: shapes.map((shape) => ({
      ...shape,
      rank,
      down: normals(rank * columns(shape)),
      up: normals(rank * shape.out),
    })),
  };
}

export function writeLora(
  path: string,
  lora: Lora,
  metadata: Record<string, string> = {},
): { path: string; sha256: string } {
  const { chunks } = encodeSafetensors(planLora(lora, "kohya", "F32"), {
    format: "pt",
    ...metadata,
  });
  const { sha256 } = writeAtomically(path, chunks, { overwrite: true });
  return { path, sha256 };
}
