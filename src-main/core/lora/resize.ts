/** Another rank for a LoRA. */
import { refuseMagnitudes } from "./convert/dora.ts";
import { moduleInner } from "./forms/delta.ts";
import type { Lora } from "./lora.ts";
import { KeptEnergy, truncateModule } from "./truncate.ts";

/**
 * Cuts every module above that rank to its best approximation and says what share of the whole energy is left.
 * Modules at or below it stay as they are: zeros would only make the file longer.
 */
export function resizeLora(lora: Lora, rank: number): { lora: Lora; kept: number } {
  refuseMagnitudes(lora, "be cut to another rank");
  const kept = new KeptEnergy();
  const modules = lora.modules.map((module) => {
    if (module.rank > rank) return truncateModule(module, rank, kept);
    kept.add({ energy: moduleInner(module, module), kept: 1 }, module.path);
    return module;
  });
  return { lora: { ...lora, modules }, kept: kept.share() };
}
