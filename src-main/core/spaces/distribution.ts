/** How a space's members are spread: histograms, ends, how far out a point lies, new draws. */
import { forkedRandom } from "../tensor/random.ts";

const bins = 40;
/** Histograms cover -4..4 sigma. */
const reach = 4;

export interface Members {
  /** `[count, components]` in sigma. */
  readonly coordinates: Float32Array;
  readonly count: number;
  readonly components: number;
}

function column(members: Members, index: number): number[] {
  return Array.from(
    { length: members.count },
    (_, row) => members.coordinates[row * members.components + index] as number,
  );
}

/** Members counted in equal bins over -4..4 sigma; those further out are counted in the last bin. */
export function histogram(members: Members, index: number): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const value of column(members, index)) {
    const bin = Math.floor(((value + reach) / (2 * reach)) * bins);
    const at = Math.min(bins - 1, Math.max(0, bin));
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** The members that lie furthest out on either side of a component. */
export function ends(members: Members, index: number): { low: number; high: number } {
  const values = column(members, index);
  let low = 0;
  let high = 0;
  values.forEach((value, row) => {
    if (value < (values[low] as number)) low = row;
    if (value > (values[high] as number)) high = row;
  });
  return { low, high };
}

export interface Extremity {
  /** Share of the members that lie nearer to the mean, 0..1. */
  readonly extremity: number;
  /** The component that goes furthest past the members' 99 %, where one does. */
  readonly beyond: { readonly index: number; readonly sigma: number } | null;
}

export function extremity(members: Members, coordinates: readonly number[]): Extremity {
  const radius = Math.hypot(...coordinates);
  let nearer = 0;
  for (let row = 0; row < members.count; row++) {
    const start = row * members.components;
    let sum = 0;
    for (let j = start; j < start + members.components; j++) {
      sum += (members.coordinates[j] as number) ** 2;
    }
    if (Math.sqrt(sum) < radius) nearer++;
  }
  let beyond: { index: number; sigma: number } | null = null;
  let furthest = 1;
  coordinates.forEach((sigma, index) => {
    if (sigma === 0 || index >= members.components) return;
    const spread = column(members, index)
      .map((value) => Math.abs(value))
      .sort((a, b) => a - b);
    const limit = spread[Math.min(spread.length - 1, Math.floor(spread.length * 0.99))] as number;
    const ratio = Math.abs(sigma) / Math.max(limit, 1e-9);
    if (ratio > furthest + 1e-6) {
      furthest = ratio;
      beyond = { index, sigma };
    }
  });
  return { extremity: members.count === 0 ? 0 : nearer / members.count, beyond };
}

/**
 * Draw number `index` of a seed: each coordinate normal with the members' own deviation (1 in sigma)
 * times `spread`, as weights2weights samples its space.
 */
export function sampleCoordinates(
  components: number,
  seed: number,
  index: number,
  spread: number,
): number[] {
  const random = forkedRandom(seed, index);
  return Array.from({ length: components }, () => random.normal() * spread);
}
