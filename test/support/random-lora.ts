/** LoRAs of seeded random numbers over chosen modules of a family. */
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { columns } from "../../src-main/core/lora/lora.ts";
import type { Embedding, Family, Lora, ModuleShape } from "../../src-main/core/lora/lora.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";

export function randomLora(
  family: Family,
  seed: number,
  options: {
    readonly rank?: number;
    readonly where?: (module: ModuleShape) => boolean;
    readonly embeddings?: readonly Embedding[];
  } = {},
): Lora {
  const random = seededRandom(seed);
  const { rank = 4, where = () => true, embeddings = [] } = options;
  const modules = modulesOf(family)
    .filter(where)
    .map((module) => {
      const down = new Float32Array(rank * columns(module));
      const up = new Float32Array(module.out * rank);
      random.fillNormal(down);
      random.fillNormal(up);
      return { ...module, rank, down, up };
    });
  return { family, modules, embeddings };
}
