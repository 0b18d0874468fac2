/** Selecting in a long ordered list: plain click, Ctrl click, Shift click, as file managers do. */

export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** Where a Shift click starts from. */
  readonly anchor: number | null;
  /** The one the keyboard is on. */
  readonly active: number | null;
}

export const nothing: Selection = { ids: new Set(), anchor: null, active: null };

export function selectOne(id: string, index: number): Selection {
  return { ids: new Set([id]), anchor: index, active: index };
}

export function toggleOne(selection: Selection, id: string, index: number): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: index, active: index };
}

/** Indices from the anchor to `index`, both included. The caller knows the ids. */
export function rangeTo(selection: Selection, index: number): { from: number; to: number } {
  const anchor = selection.anchor ?? index;
  return { from: Math.min(anchor, index), to: Math.max(anchor, index) };
}

export function selectRange(
  selection: Selection,
  ids: readonly string[],
  index: number,
): Selection {
  return { ids: new Set(ids), anchor: selection.anchor ?? index, active: index };
}

/** The index an arrow key leads to in a grid, or null for other keys. */
export function arrowTarget(
  active: number | null,
  key: string,
  columns: number,
  total: number,
  page: number,
): number | null {
  if (total === 0) return null;
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * page,
    PageDown: columns * page,
    Home: -total,
    End: total,
  };
  const step = steps[key];
  if (step === undefined) return null;
  if (active === null) return 0;
  return Math.min(total - 1, Math.max(0, active + step));
}
