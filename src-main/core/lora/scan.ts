/** Sorts a file's tensors into modules by their names and shapes alone: what `inspectLora` and `readLora` share. */
import { FacetError } from "../errors.ts";
import type { TensorEntry } from "../formats/source.ts";
import { adapterOf } from "./adapters.ts";
import { modulesOf } from "./architecture/index.ts";
import type { Adapter, Checked } from "./convert/adapter.ts";
import { Parts } from "./convert/adapter.ts";
import { findMagnitude } from "./convert/dora.ts";
import type { MagnitudeEntry } from "./convert/dora.ts";
import { needsBase } from "./convert/needs-base.ts";
import type { NeedsBase } from "./convert/needs-base.ts";
import type { Dialect, DialectId, Header, Role } from "./dialects/dialect.ts";
import { dialects, readKey } from "./dialects/index.ts";
import { embeddingOf } from "./embeddings.ts";
import type { EmbeddingEntry } from "./embeddings.ts";
import { chooseFamily } from "./family.ts";
import type { Family, ModuleShape } from "./lora.ts";
import { refuseForeign, refuseUnread } from "./recognise.ts";
import { moduleAt, tokenWidths, type Widths } from "./widths/architecture.ts";
import { otherWidths } from "./widths/infer.ts";
import { observe, type Placed } from "./widths/observe.ts";

export interface ScannedModule extends Checked {
  readonly module: ModuleShape;
  readonly adapter: Adapter;
  readonly parts: Parts;
  readonly tensors: readonly TensorEntry[];
  readonly alpha: TensorEntry | undefined;
  readonly magnitude: MagnitudeEntry | undefined;
  /** Whether PEFT's configuration speaks of it. */
  readonly peft: boolean;
}

export interface Scan {
  readonly dialect: Dialect;
  readonly family: Family;
  /** Of the model that it is for; null for the family's published ones. */
  readonly widths: Widths | null;
  /** In architecture order. */
  readonly modules: readonly ScannedModule[];
  /** Modules of kinds that cannot be read. */
  readonly needsBase: readonly { readonly path: string; readonly kind: NeedsBase }[];
  readonly embeddings: readonly (EmbeddingEntry & { readonly name: string })[];
  /** Kinds by name, also those that are left out: norms and biases. */
  readonly adapters: readonly string[];
  readonly matched: number;
  readonly total: number;
  /** What is not used, in the file's order. */
  readonly unmatched: readonly string[];
}

/** Dialects whose alpha comes from PEFT's configuration where the file has no alpha tensors. */
const configured: ReadonlySet<DialectId> = new Set([
  "peft",
  "peft-raw",
  "weights2weights",
  // The names that the training scripts of diffusers still save under, with the configuration in the header.
  "diffusers-legacy",
]);

/** Throws for a file that is no LoRA, of another model family, incomplete, or of shapes that do not fit. */
export function scanLora(header: Header): Scan {
  const placed: Placed[] = [];
  const embeddings: (EmbeddingEntry & { name: string })[] = [];
  const unread = new Set<string>();
  const extras = new Set<string>();
  for (const entry of header.tensors.values()) {
    const understood = readKey(entry.name, header);
    if (understood) {
      const { role } = understood;
      if (role !== "norm" && role !== "bias") placed.push({ entry, understood });
      else {
        extras.add(role);
        unread.add(entry.name);
      }
      continue;
    }
    const embedding = embeddingOf(entry, header);
    if (embedding) embeddings.push({ ...embedding, name: entry.name });
    else unread.add(entry.name);
  }
  const matrices = placed.filter(({ understood }) => understood.role !== "alpha").length;
  if (matrices === 0) refuseUnread(header);
  if (2 * placed.length < header.tensors.size) refuseForeign(header, unread);

  const family = chooseFamily(header, placed);
  // By place in the layout; a hole where the file has nothing.
  const groups: (Placed[] | undefined)[] = Array.from({ length: modulesOf(family).length });
  for (const one of placed) {
    const index = one.understood.place[family];
    const group = groups[index];
    if (group) group.push(one);
    else if (index >= 0) groups[index] = [one];
    else unread.add(one.entry.name);
  }
  const { widths, sorted } = sortModules(header, family, groups, placed);
  if (widths !== null) {
    const known = tokenWidths(family, widths);
    for (const name of unread) {
      const entry = header.tensors.get(name);
      const embedding = entry && embeddingOf(entry, header, known);
      if (!embedding) continue;
      embeddings.push({ ...embedding, name });
      unread.delete(name);
    }
  }
  const { modules, refused, kinds, tally, alone } = sorted;
  for (const { entry } of alone) unread.add(entry.name);
  if (modules.length === 0 && refused.length === 0) refuseUnread(header);
  return {
    dialect: majority(tally, family, modules),
    family,
    widths,
    modules,
    needsBase: refused,
    embeddings,
    adapters: [...kinds, ...extras],
    matched: header.tensors.size - unread.size,
    total: header.tensors.size,
    unmatched:
      unread.size === 0 ? [] : [...header.tensors.keys()].filter((name) => unread.has(name)),
  };
}

interface Sorted {
  readonly modules: ScannedModule[];
  readonly refused: { path: string; kind: NeedsBase }[];
  readonly kinds: Set<string>;
  readonly tally: Map<readonly Dialect[], number>;
  /** What says nothing without the matrices that it belongs to: alphas, magnitudes. */
  readonly alone: Placed[];
}

type Groups = readonly (readonly Placed[] | undefined)[];

/**
 * At the published widths first, as nearly all files are: a library's scan never pays for the others. What does not fit
 * may be of a model of other widths, which every one of its modules must then fit.
 */
function sortModules(
  header: Header,
  family: Family,
  groups: Groups,
  placed: readonly Placed[],
): { sorted: Sorted; widths: Widths | null } {
  const published = modulesOf(family);
  try {
    return { sorted: sortGroups(header, groups, (place) => published[place]), widths: null };
  } catch (error) {
    if (!(error instanceof FacetError) || error.code !== "shape-mismatch") throw error;
    const widths = otherWidths(family, observe(family, placed));
    if (widths === null) throw error;
    const sorted = sortGroups(header, groups, (place) => moduleAt(family, place, widths));
    return { sorted, widths };
  }
}

function sortGroups(
  header: Header,
  groups: Groups,
  moduleOf: (place: number) => ModuleShape | undefined,
): Sorted {
  const modules: ScannedModule[] = [];
  const refused: Sorted["refused"] = [];
  const kinds = new Set<string>();
  const tally: Sorted["tally"] = new Map();
  const alone: Placed[] = [];
  groups.forEach((group, place) => {
    const module = group && moduleOf(place);
    if (!group || !module) return;
    const kind = needsBase(group);
    if (kind) {
      refused.push({ path: module.path, kind });
      kinds.add(kind);
    } else {
      const scanned = scanModule(header, module, group);
      if (!scanned) {
        alone.push(...group);
        return;
      }
      modules.push(scanned);
      kinds.add(scanned.adapter.kind);
      if (scanned.magnitude) kinds.add("dora");
    }
    for (const { understood } of group) {
      tally.set(understood.dialects, (tally.get(understood.dialects) ?? 0) + 1);
    }
  });
  return { modules, refused, kinds, tally, alone };
}

function scanModule(
  header: Header,
  module: ModuleShape,
  group: readonly Placed[],
): ScannedModule | undefined {
  const entries = new Map<Role, TensorEntry>();
  const tensors: TensorEntry[] = [];
  let peft = false;
  let rescaled = false;
  for (const { entry, understood } of group) {
    const { role } = understood;
    const other = entries.get(role);
    if (other) refuseTwice(header, module, group, other, entry);
    entries.set(role, entry);
    if (role !== "alpha") tensors.push(entry);
    rescaled ||= role === "dora" || role === "magnitude";
    peft ||= understood.dialects.some(({ id }) => configured.has(id));
  }
  const parts = new Parts(header.name, module, entries);
  const adapter = adapterOf(entries, parts);
  if (!adapter) return undefined;
  const { rank, dimension } = adapter.check(parts);
  const alpha = entries.get("alpha");
  const magnitude = rescaled ? findMagnitude(parts) : undefined;
  return { module, adapter, parts, rank, dimension, tensors, alpha, magnitude, peft };
}

function refuseTwice(
  header: Header,
  module: ModuleShape,
  group: readonly Placed[],
  first: TensorEntry,
  second: TensorEntry,
): never {
  const names = new Set(group.flatMap(({ understood }) => understood.adapter ?? []));
  const message =
    names.size > 1
      ? `The file holds ${names.size} adapters (${[...names].join(", ")}). Save one of them alone.`
      : `${first.name} and ${second.name} are the same matrix of ${module.path} by two names. One of them must go.`;
  throw new FacetError("malformed", message, { path: header.name, field: second.name });
}

/** The dialect of most keys; where several read equally many, the special before the general. */
function majority(
  sets: ReadonlyMap<readonly Dialect[], number>,
  family: Family,
  modules: readonly ScannedModule[],
): Dialect {
  const tally = new Map<Dialect, number>();
  for (const [set, count] of sets) {
    for (const dialect of set) tally.set(dialect, (tally.get(dialect) ?? 0) + count);
  }
  // What text encoders alone are called is the same in both; kohya itself writes these (formats.md 1.2).
  const own: DialectId = family === "sdxl" ? "kohya-sgm" : "kohya-diffusers";
  const known = modules.map(({ module, rank }) => ({ path: module.path, rank }));
  const candidates = dialects
    .filter((dialect) => tally.has(dialect) && (dialect.claims?.(known) ?? true))
    .toSorted(
      (a, b) =>
        (tally.get(b) ?? 0) - (tally.get(a) ?? 0) || Number(b.id === own) - Number(a.id === own),
    );
  const [first] = candidates;
  if (!first) throw new Error("a file with modules has a dialect");
  return first;
}
