/** What the library keeps of a LoRA's numbers: hash, sketch, norm, sizes. */
import { createHash } from "node:crypto";
import { deltaInner } from "../../core/lora/forms/delta.ts";
import { fingerprint } from "../../core/lora/fingerprint.ts";
import { columns, type Lora } from "../../core/lora/lora.ts";
import { sketch } from "../../core/lora/sketch.ts";

export function fingerprintOf(lora: Lora): string {
  const hash = createHash("sha256");
  return fingerprint(lora, {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest("hex"),
  });
}

/** 256 float32, base64 of the little-endian bytes. */
export function sketchOf(lora: Lora): string {
  const values = sketch(lora);
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

/** Norms of two LoRAs' products and of their difference, from inner products alone. */
export function compareLoras(
  left: Lora,
  right: Lora,
): { left: number; right: number; difference: number } {
  const [a, b, cross] = [deltaInner(left, left), deltaInner(right, right), deltaInner(left, right)];
  return {
    left: Math.sqrt(Math.max(0, a)),
    right: Math.sqrt(Math.max(0, b)),
    difference: Math.sqrt(Math.max(0, a + b - 2 * cross)),
  };
}

export function sizesOf(lora: Lora): {
  modules: number;
  parameters: number;
  rank: { min: number; max: number };
  components: string[];
} {
  const ranks = lora.modules.map((module) => module.rank);
  return {
    modules: lora.modules.length,
    parameters: lora.modules.reduce(
      (sum, module) => sum + module.rank * (module.out + columns(module)),
      0,
    ),
    rank: { min: Math.min(...ranks), max: Math.max(...ranks) },
    components: [...new Set(lora.modules.map((module) => module.path.split(".")[0] ?? ""))],
  };
}
