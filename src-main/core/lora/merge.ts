/** Weighted sums of deltas: exact by concatenation along the rank, or cut to a rank. */
import { FacetError } from "../errors.ts";
import { modulesOf } from "./architecture/index.ts";
import { blendEmbeddings } from "./blend-embeddings.ts";
import { refuseMagnitudes } from "./convert/dora.ts";
import { type Lora, type LoraModule, columns as columnsOf } from "./lora.ts";
import { KeptEnergy, truncateModule } from "./truncate.ts";
import type { Widths } from "./widths/architecture.ts";
import { widthsOf } from "./widths/infer.ts";
import { differingWidths, joinedWidths } from "./widths/words.ts";

interface Part {
  readonly module: LoraModule;
  readonly weight: number;
}

/**
 * `sum of weight · up · down`, exactly: the ups stand side by side, the downs under each other, so no product of one
 * LoRA's up with another's down appears. A module's rank is the sum of its parents' ranks; one that a parent lacks
 * counts as zero there.
 */
export function concatenate(loras: readonly Lora[], weights: readonly number[]): Lora {
  const modules = partsOf(loras, weights).map(joinParts);
  return {
    family: familyOf(loras),
    modules,
    embeddings: blendEmbeddings(loras, weights).embeddings,
  };
}

/**
 * The same, each module cut to its best approximation at that rank (or left at its parents' summed rank where that is
 * lower), one module at a time. `kept` is the share of the mix's energy that is left.
 */
export function mergeDelta(
  loras: readonly Lora[],
  weights: readonly number[],
  rank: number,
): { lora: Lora; kept: number } {
  const kept = new KeptEnergy();
  const modules = partsOf(loras, weights).map((parts) => {
    const joined = joinParts(parts);
    return truncateModule(joined, Math.min(rank, joined.rank), kept);
  });
  const { embeddings } = blendEmbeddings(loras, weights);
  return { lora: { family: familyOf(loras), modules, embeddings }, kept: kept.share() };
}

function familyOf(loras: readonly Lora[]): Lora["family"] {
  const [first] = loras;
  if (first === undefined) {
    throw new FacetError("invalid-argument", "A blend needs at least one LoRA.");
  }
  const other = loras.find((lora) => lora.family !== first.family);
  if (other !== undefined) {
    throw new FacetError(
      "invalid-argument",
      `A blend mixes LoRAs of one family; these are for ${first.family} and ${other.family}.`,
    );
  }
  return first.family;
}

/** For every module that some LoRA has, in architecture order, who has it and with which weight. */
function partsOf(
  loras: readonly Lora[],
  weights: readonly number[],
): (readonly [Part, ...Part[]])[] {
  if (weights.length !== loras.length || !weights.every(Number.isFinite)) {
    throw new FacetError(
      "invalid-argument",
      `A blend of ${String(loras.length)} LoRAs needs as many finite weights; given: ${weights.join(", ")}.`,
    );
  }
  checkWidths(loras);
  const parts = new Map<string, [Part, ...Part[]]>();
  loras.forEach((lora, index) => {
    for (const module of lora.modules) {
      const part = { module, weight: weights[index] ?? 0 };
      const list = parts.get(module.path);
      if (list === undefined) parts.set(module.path, [part]);
      else list.push(part);
    }
  });
  for (const lora of loras) refuseMagnitudes(lora, "be blended");
  const order = new Map(modulesOf(familyOf(loras)).map(({ path }, position) => [path, position]));
  const position = ([{ module }]: readonly [Part, ...Part[]]): number =>
    order.get(module.path) ?? order.size;
  return [...parts.values()].sort((a, b) => position(a) - position(b));
}

/** Also where no module is in both: different ones tell of the same widths. */
function checkWidths(loras: readonly Lora[]): void {
  const family = familyOf(loras);
  let known: Widths = [];
  for (const [index, lora] of loras.entries()) {
    const own = widthsOf(family, lora.modules);
    const difference = differingWidths(family, known, own);
    if (difference !== null) {
      const earlier = loras.slice(0, index).flatMap(({ modules }) => modules);
      const module = lora.modules.find(({ path, out, in: inputs }) =>
        earlier.some((other) => other.path === path && (other.out !== out || other.in !== inputs)),
      );
      throw new FacetError(
        "layout-mismatch",
        `A blend mixes LoRAs of one model; these are for models of different sizes (${difference})${module ? `, by ${module.path} of ${String(module.out)} x ${String(columnsOf(module))}` : ""}.`,
        { field: module?.path },
      );
    }
    known = joinedWidths(own, known);
  }
}

function joinParts(parts: readonly [Part, ...Part[]]): LoraModule {
  const [{ module: first }] = parts;
  const columns = columnsOf(first);
  const rank = parts.reduce((sum, { module }) => sum + module.rank, 0);
  const up = new Float32Array(first.out * rank);
  const down = new Float32Array(rank * columns);
  let start = 0;
  for (const { module, weight } of parts) {
    if (module.out !== first.out || columnsOf(module) !== columns) {
      throw new FacetError(
        "layout-mismatch",
        `Module ${module.path} is ${String(first.out)} x ${String(columns)} in one LoRA and ${String(module.out)} x ${String(columnsOf(module))} in another; they were made for different models.`,
        { field: module.path },
      );
    }
    for (let i = 0; i < first.out; i++) {
      for (let j = 0; j < module.rank; j++) {
        up[i * rank + start + j] = weight * (module.up[i * module.rank + j] as number);
      }
    }
    down.set(module.down, start * columns);
    start += module.rank;
  }
  return { ...first, rank, up, down };
}
