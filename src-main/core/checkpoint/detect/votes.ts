/** Sizes by majority, so that one misshapen tensor is found to be it, and not taken for the measure of all others. */
import type { Look } from "../place.ts";

/** The most frequent value; the earlier of two as frequent. */
export function mostFrequent(values: readonly (number | undefined)[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values)
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  let winner: number | undefined;
  for (const [value, count] of counts)
    if (winner === undefined || count > (counts.get(winner) ?? 0)) winner = value;
  return winner;
}

/** Size of one axis in those of the named parameters that are there. */
export function vote(look: Look, names: readonly string[], axis: number): number | undefined {
  return mostFrequent(names.map((name) => look(name)?.[axis]));
}

/** How many of `name(0)`, `name(1)`, … have at least one parameter before the first that has none. */
export function count(look: Look, names: (index: number) => readonly string[]): number {
  let index = 0;
  while (names(index).some((name) => look(name) !== undefined)) index++;
  return index;
}

/** Weight and bias of each path. */
export function weightsAndBiases(paths: readonly string[]): string[] {
  return paths.flatMap((path) => [`${path}.weight`, `${path}.bias`]);
}
