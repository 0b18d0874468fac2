/** LoRAs of tiny models by a formula; test/fixtures/live-lora/make.py has the same. */
import type { ModelConfig } from "../../../src-main/core/diffusion/model-config.ts";
import { modelModules } from "../../../src-main/core/lora/architecture/index.ts";
import {
  columns,
  type Lora,
  type LoraModule,
  type Magnitude,
} from "../../../src-main/core/lora/lora.ts";
import { componentOf } from "../../../src-main/core/lora/architecture/names.ts";
import { formulaValues } from "./formula.ts";

export interface FormulaLora {
  readonly rank: number;
  /** Tells one LoRA of a stack from another. */
  readonly number?: number;
  readonly has?: (path: string) => boolean;
  /** Magnitudes of rows, or of input channels in every third module. */
  readonly dora?: "rows" | "mixed";
}

export function formulaLora(config: ModelConfig, lora: FormulaLora): Lora {
  const places = new Map<string, number>();
  const paths = modelModules(config).map(({ path }) => componentOf(path));
  for (const component of new Set(paths.map((each) => each.component))) {
    paths
      .filter((each) => each.component === component)
      .toSorted((left, right) => (left.path < right.path ? -1 : 1))
      .forEach(({ path }, place) => places.set(`${component}.${path}`, place));
  }
  const { rank, number = 0, has = () => true, dora } = lora;
  const modules = modelModules(config)
    .filter(({ path }) => has(path))
    .map((module): LoraModule => {
      const place = places.get(module.path) ?? 0;
      const start = 3 * place + 1000 * number;
      const up = formulaValues("up", start + 1, [module.out, rank]).map((value) => 0.5 * value);
      const down = formulaValues("down", start, [rank, columns(module)]);
      if (!dora) return { ...module, rank, down, up };
      const axis = dora === "mixed" && place % 3 === 0 ? "in" : "out";
      const values = formulaValues("magnitude", start + 2, [module[axis]]).map(
        (value) => 1 + value,
      );
      const magnitude: Magnitude = { axis, values };
      return { ...module, rank, down, up, magnitude };
    });
  return { family: config.family, modules, embeddings: [] };
}
