/**
 * The delta form: no factors at all, only inner products of the products. This is for pairs; the Gram matrix of many
 * members runs in the engine as a few large products over stacked factors.
 */
import { FacetError } from "../../errors.ts";
import { crossOfColumns, crossOfRows } from "../../linalg/gram.ts";
import { refuseMagnitudes } from "../convert/dora.ts";
import { type Lora, type LoraModule, columns as columnsOf } from "../lora.ts";

/** Sum over the modules of `<B_a A_a, B_b A_b>`; a module that one of them lacks counts as zero. */
export function deltaInner(a: Lora, b: Lora): number {
  for (const lora of [a, b]) refuseMagnitudes(lora, "be compared with others");
  const others = new Map(b.modules.map((module) => [module.path, module]));
  let sum = 0;
  for (const module of a.modules) {
    const other = others.get(module.path);
    if (other !== undefined) sum += moduleInner(module, other);
  }
  return sum;
}

/** Frobenius norm of all deltas together; of a DoRA, of what it adds before it rescales. */
export function deltaNorm(lora: Lora): number {
  let sum = 0;
  for (const module of lora.modules) sum += moduleInner(module, module);
  return Math.sqrt(Math.max(0, sum));
}

/** The share of one module: `tr((B_a A_a)ᵀ B_b A_b) = sum((B_aᵀ B_b) ∘ (A_a A_bᵀ))`: two rank x rank blocks instead of two products. */
export function moduleInner(a: LoraModule, b: LoraModule): number {
  const columns = columnsOf(a);
  if (a.out !== b.out || columns !== columnsOf(b)) {
    throw new FacetError(
      "layout-mismatch",
      `Module ${a.path} is ${String(a.out)} x ${String(columns)} in one LoRA and ${String(b.out)} x ${String(columnsOf(b))} in the other; they were made for different models.`,
      { field: a.path },
    );
  }
  const ups = crossOfColumns(a.up, b.up, a.out, a.rank, b.rank);
  const downs = crossOfRows(a.down, b.down, a.rank, b.rank, columns);
  let sum = 0;
  for (let i = 0; i < ups.length; i++) sum += (ups[i] as number) * (downs[i] as number);
  return sum;
}
