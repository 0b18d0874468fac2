/** LoRAs of seeded random numbers over chosen modules of a family, or of a model of another size. */
import type { ModelConfig } from "../../src-main/core/diffusion/model-config.ts";
import { modelModules, modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { columns } from "../../src-main/core/lora/lora.ts";
import type { Embedding, Family, Lora, ModuleShape } from "../../src-main/core/lora/lora.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { tinyConfigs } from "./models/tiny-configs.ts";

interface Options {
  readonly rank?: number;
  readonly where?: (module: ModuleShape) => boolean;
  readonly embeddings?: readonly Embedding[];
}

export function randomLora(family: Family, seed: number, options: Options = {}): Lora {
  return filled(family, modulesOf(family), seed, options);
}

/** For the tiny models of models/tiny.ts. */
export function tinyLora(family: Family, seed: number, options: Options = {}): Lora {
  return loraFor(tinyConfigs[family], seed, options);
}

export function loraFor(
  model: Pick<ModelConfig, "family" | "unet" | "textEncoders">,
  seed: number,
  options: Options = {},
): Lora {
  return filled(model.family, modelModules(model), seed, options);
}

function filled(
  family: Family,
  shapes: readonly ModuleShape[],
  seed: number,
  { rank = 4, where = () => true, embeddings = [] }: Options,
): Lora {
  const random = seededRandom(seed);
  const modules = shapes.filter(where).map((module) => {
    const down = new Float32Array(rank * columns(module));
    const up = new Float32Array(module.out * rank);
    random.fillNormal(down);
    random.fillNormal(up);
    return { ...module, rank, down, up };
  });
  return { family, modules, embeddings };
}
