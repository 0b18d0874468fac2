/** What a LoRA file is, from its header alone: names and shapes, never values. */
import { elementCount } from "../tensor/dtype.ts";
import { componentOf } from "./architecture/names.ts";
import type { Header } from "./dialects/dialect.ts";
import type { Family } from "./lora.ts";
import { scanLora } from "./scan.ts";
import { namedWidths } from "./widths/words.ts";
import { titleOf, triggerWordsOf } from "./words.ts";

export interface Inspected {
  /** A dialect's id, e.g. `kohya-sgm`. */
  readonly dialect: string;
  readonly family: Family;
  /** Of the model that it is for, e.g. `32 / 64 / 128`; null for the family's published ones. */
  readonly widths: string | null;
  readonly modules: number;
  readonly rank: { readonly min: number; readonly max: number };
  /** Numbers in the adapter's matrices. */
  readonly parameters: number;
  /** Keys understood and used, and keys there are. */
  readonly matched: number;
  readonly total: number;
  readonly unmatched: string[];
  readonly metadata: Record<string, string>;
  /** Tokens of trained embeddings. */
  readonly embeddings: string[];
  /** Element types of the matrices, most frequent first. */
  readonly dtypes: string[];
  readonly components: string[];
  readonly adapters: string[];
  /** Kinds that mean nothing without the base weight: `dora` (pictures can be made with it), and those never read. */
  readonly needsBase: string[];
  readonly triggerWords: string[];
  readonly title?: string;
}

/** Throws a FacetError for what `readLora` would refuse by its header, except kinds that need the base weight. */
export function inspectLora(file: Header): Inspected {
  const scan = scanLora(file);
  let parameters = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  const components = new Set<string>();
  const dtypes = new Map<string, number>();
  const needsBase = new Set<string>();
  for (const { module, rank, tensors, magnitude } of scan.modules) {
    if (magnitude) needsBase.add("dora");
    least = Math.min(least, rank);
    most = Math.max(most, rank);
    components.add(componentOf(module.path).component);
    for (const { dtype, shape } of tensors) {
      parameters += elementCount(shape);
      dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + 1);
    }
  }
  for (const { path, kind } of scan.needsBase) {
    needsBase.add(kind);
    components.add(componentOf(path).component);
  }
  const embeddings = [...new Set(scan.embeddings.map(({ token }) => token))];
  const title = titleOf(file.metadata);
  const words = triggerWordsOf(file.metadata, embeddings);
  return {
    dialect: scan.dialect.id,
    family: scan.family,
    widths: scan.widths && namedWidths(scan.family, scan.widths),
    modules: scan.modules.length + scan.needsBase.length,
    rank: { min: most === 0 ? 0 : least, max: most },
    parameters,
    matched: scan.matched,
    total: scan.total,
    unmatched: [...scan.unmatched],
    metadata: Object.fromEntries(file.metadata),
    embeddings,
    dtypes: [...dtypes].toSorted((a, b) => b[1] - a[1]).map(([dtype]) => dtype),
    components: [...components],
    adapters: [...scan.adapters],
    needsBase: [...needsBase],
    triggerWords: words.length > 0 ? words : [...(scan.dialect.triggerWords ?? [])],
    ...(title === undefined ? {} : { title }),
  };
}
