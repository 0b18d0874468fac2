/** Weights of a blend: they always sum to 1, locked ones stay. */

export interface Weight {
  readonly value: number;
  readonly locked: boolean;
}

/** Sets one weight and lets the unlocked others share the rest in their present proportions. */
export function setWeight(weights: readonly Weight[], index: number, value: number): Weight[] {
  const locked = sum(weights.map((weight, i) => (weight.locked && i !== index ? weight.value : 0)));
  const free = weights.flatMap((weight, i) => (!weight.locked && i !== index ? [i] : []));
  // With nobody to give to or take from, only one value keeps the sum.
  const room = Math.max(0, 1 - locked);
  const next = free.length === 0 ? room : Math.min(room, Math.max(0, value));
  const rest = room - next;
  const present = sum(free.map((i) => weights[i]?.value ?? 0));
  return weights.map((weight, i) => {
    if (i === index) return { ...weight, value: next };
    if (!free.includes(i)) return weight;
    const share = present > 1e-9 ? weight.value / present : 1 / free.length;
    return { ...weight, value: rest * share };
  });
}

/** Takes wished values for all; locked ones keep theirs and the others are scaled to what is left. */
export function applyWeights(weights: readonly Weight[], wished: readonly number[]): Weight[] {
  const room = Math.max(0, 1 - sum(weights.map((weight) => (weight.locked ? weight.value : 0))));
  const free = weights.flatMap((weight, i) => (weight.locked ? [] : [i]));
  const total = sum(free.map((i) => Math.max(0, wished[i] ?? 0)));
  return weights.map((weight, i) => {
    if (weight.locked) return weight;
    const share = total > 1e-9 ? Math.max(0, wished[i] ?? 0) / total : 1 / free.length;
    return { ...weight, value: room * share };
  });
}

/** After a parent was added or removed: an even share for newcomers (null), the old proportions for the others. */
export function rebalance(values: readonly (Weight | null)[]): Weight[] {
  const share = 1 / Math.max(1, values.length);
  const wished = values.map((weight) => weight ?? { value: share, locked: false });
  const locked = sum(wished.map((weight) => (weight.locked ? weight.value : 0)));
  // Locks that leave no room for the others cannot all be kept.
  const usable =
    locked > 1 - 1e-9 && wished.some((weight) => !weight.locked)
      ? wished.map((weight) => ({ ...weight, locked: false }))
      : wished;
  const all = usable.every((weight) => weight.locked);
  const open = all ? usable.map((weight) => ({ ...weight, locked: false })) : usable;
  return applyWeights(
    open,
    open.map((weight) => weight.value),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
