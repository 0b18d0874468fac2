/** Which widths the shapes of a LoRA's matrices speak of. */
import type { Family, ModuleShape } from "../lora.ts";
import { architectureOf, type Side, sizeAt, type Widths } from "./architecture.ts";

/** Sizes seen of one module: place in `modulesOf`. */
export interface Observation {
  readonly place: number;
  readonly out?: number | undefined;
  readonly in?: number | undefined;
}

interface Inferred {
  readonly widths: Widths;
  /** How many sides of modules said so. */
  readonly witnesses: readonly number[];
}

/** What most of the sizes say. One damaged module is outvoted, so that it shows as the one that does not fit. */
function inferWidths(family: Family, observations: Iterable<Observation>): Inferred {
  const { widths: all, sides } = architectureOf(family);
  const votes = all.map(() => new Map<number, number>());
  const vote = (width: number, size: number): void => {
    if (!Number.isInteger(size) || size < 1) return;
    const counts = votes[width];
    counts?.set(size, (counts.get(size) ?? 0) + 1);
  };
  const sums: { side: Side; size: number }[] = [];
  for (const { place, ...sizes } of observations) {
    for (const end of ["out", "in"] as const) {
      const side = sides[place]?.[end];
      const size = sizes[end];
      if (side === undefined || size === undefined) continue;
      const [term, ...others] = side.terms;
      if (term === undefined) continue;
      if (others.length > 0) sums.push({ side, size });
      else vote(term.width, (size - side.constant) / term.count);
    }
  }
  const elected = (): Widths =>
    votes.map((counts, width) => favourite(counts, all[width]?.published));
  let widths = elected();
  // Resnets behind a skip connection take in the sum of two levels: it tells the one that nothing else told.
  for (const { side, size } of sums) {
    const unknown = side.terms.filter(({ width }) => widths[width] === undefined);
    const [term] = unknown;
    if (term === undefined || unknown.length > 1) continue;
    const others = { ...side, terms: side.terms.filter((other) => other !== term) };
    vote(term.width, (size - (sizeAt(others, widths) ?? 0)) / term.count);
  }
  widths = elected();
  return {
    widths,
    witnesses: votes.map((counts, width) => counts.get(widths[width] ?? 0) ?? 0),
  };
}

/** The size with most votes; of equals the published one. */
function favourite(
  counts: ReadonlyMap<number, number>,
  published: number | undefined,
): number | undefined {
  let best = published !== undefined && counts.has(published) ? published : undefined;
  for (const [size, count] of counts) {
    if (best === undefined || count > (counts.get(best) ?? 0)) best = size;
  }
  return best;
}

/** Widths seen in a LoRA's modules, whatever they came from. */
export function widthsOf(family: Family, modules: Iterable<ModuleShape>): Widths {
  const { places } = architectureOf(family);
  const observations: Observation[] = [];
  for (const { path, out, in: inputs } of modules) {
    const place = places.get(path);
    if (place !== undefined) observations.push({ place, out, in: inputs });
  }
  return inferWidths(family, observations).widths;
}

/**
 * The widths of another model than the published one, or null where there is no sign of one. A single side that differs
 * is damage rather than a model: two must agree on some width.
 */
export function otherWidths(family: Family, observations: Iterable<Observation>): Widths | null {
  const { widths, witnesses } = inferWidths(family, observations);
  const { widths: all } = architectureOf(family);
  const sign = widths.some(
    (size, width) =>
      size !== undefined && size !== all[width]?.published && (witnesses[width] ?? 0) > 1,
  );
  return sign ? widths : null;
}

/** How many of the sizes seen no model of the family could have together. */
export function contradictions(family: Family, observations: readonly Observation[]): number {
  const { sides, levels, encoders } = architectureOf(family);
  const { widths } = inferWidths(family, observations);
  let count = 0;
  for (const { place, ...sizes } of observations) {
    for (const end of ["out", "in"] as const) {
      const side = sides[place]?.[end];
      const size = sizes[end];
      if (side && size !== undefined && (sizeAt(side, widths) ?? size) !== size) count++;
    }
  }
  // The text context is all encoders' widths side by side (formats.md 5.5).
  const context = widths[levels];
  const joined = encoders.reduce((sum, { width }) => sum + (widths[width] ?? Number.NaN), 0);
  if (context !== undefined && !Number.isNaN(joined) && context !== joined) count++;
  return count;
}
