/** The aligned form: balanced factors, rotated onto a reference by orthogonal Procrustes. */
import { FacetError } from "../../errors.ts";
import { crossOfColumns, crossOfRows } from "../../linalg/gram.ts";
import { multiply, smallTimesWide, tallTimesSmall, transpose } from "../../linalg/multiply.ts";
import { svd } from "../../linalg/svd.ts";
import { type Lora, type LoraModule, columns as columnsOf } from "../lora.ts";
import { KeptEnergy, truncateModule } from "../truncate.ts";

/** Every product at that rank with `upᵀ up = down downᵀ`: what is left of the freedom is one rotation a module. */
export function balance(lora: Lora, rank: number): { lora: Lora; kept: number } {
  const kept = new KeptEnergy();
  const modules = lora.modules.map((module) => truncateModule(module, rank, kept));
  return { lora: { ...lora, modules }, kept: kept.share() };
}

/**
 * Rotates a balanced LoRA onto a reference of the same rank: for each module the orthogonal Q that minimises
 * `|up Q - up_ref|² + |Qᵀ down - down_ref|²`, which is `U Vᵀ` of the SVD of `upᵀ up_ref + down down_refᵀ`
 * (Schönemann, 1966). Products stay as they are. Modules that the reference lacks stay as they are, too.
 */
export function alignTo(reference: Lora, lora: Lora): Lora {
  const references = new Map(reference.modules.map((module) => [module.path, module]));
  const modules = lora.modules.map((module) => {
    const target = references.get(module.path);
    return target === undefined ? module : alignModule(target, module);
  });
  return { ...lora, modules };
}

function alignModule(reference: LoraModule, module: LoraModule): LoraModule {
  const { up, down, out, rank } = module;
  const columns = columnsOf(module);
  checkShape(reference, module);
  const agreement = crossOfColumns(up, reference.up, out, rank, rank);
  const downs = crossOfRows(down, reference.down, rank, rank, columns);
  for (let i = 0; i < agreement.length; i++) {
    agreement[i] = (agreement[i] as number) + (downs[i] as number);
  }
  // Nothing to agree with: any rotation is as good, so none.
  if (agreement.every((value) => value === 0)) return module;
  const { left, right } = svd(agreement, rank, rank);
  const rotation = multiply(left, transpose(right, rank, rank), rank, rank, rank);
  return {
    ...module,
    up: tallTimesSmall(up, rotation, out, rank, rank),
    down: smallTimesWide(transpose(rotation, rank, rank), down, rank, rank, columns),
  };
}

function checkShape(reference: LoraModule, module: LoraModule): void {
  const [own, other] = [module, reference].map(
    (side) => `${String(side.out)} x ${String(columnsOf(side))}, rank ${String(side.rank)}`,
  );
  if (own === other) return;
  throw new FacetError(
    "layout-mismatch",
    `Module ${module.path} is ${own ?? ""}, but the reference has ${other ?? ""}; bring both to one rank first.`,
    { field: module.path },
  );
}
