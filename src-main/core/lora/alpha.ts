/** Which alphas a kohya file may carry so that every loader finds the same scale. */
import { componentOf } from "./architecture/names.ts";

/**
 * diffusers (0.42) looks alphas up by names that it renames wrongly for attention projections and text encoders:
 * these get the most frequent alpha of their component, whatever the file says.
 */
function misread(path: string): boolean {
  return !path.startsWith("unet.") || /\.attn[12]\.to_(q|k|v|out\.0)$/.test(path);
}

/** Whether diffusers scales every module as the file says. */
export function alphasFound(
  modules: readonly { readonly path: string; readonly alpha: number }[],
): boolean {
  const byComponent = Map.groupBy(modules, ({ path }) => componentOf(path).component);
  return [...byComponent.values()].every((group) => {
    const alphas = group.map(({ alpha }) => alpha);
    const usual = mostFrequent(alphas);
    return group.every(({ path, alpha }) => alpha === usual || !misread(path));
  });
}

/** The first of the most frequent values; 0 where there is none. */
export function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best = values[0] ?? 0;
  for (const [value, count] of counts) if (count > (counts.get(best) ?? 0)) best = value;
  return best;
}
