/** Arithmetic of the sigma slider: relative drag, keys, the known range of a component. */

/** The track shows this much on either side of the mean; the contract's histograms cover the same range. */
export const TRACK_SIGMA = 4;

export interface Modifiers {
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** Shift is for the last hundredth, Alt for crossing the range in a flick. */
export function dragScale(modifiers: Modifiers): number {
  if (modifiers.shiftKey) return 0.1;
  return modifiers.altKey ? 3 : 1;
}

/** Sigma for a pointer movement of `pixels` on a track of `width`: at scale 1 the thumb stays under the pointer. */
export function dragDelta(pixels: number, width: number, modifiers: Modifiers): number {
  if (width <= 0) return 0;
  return (pixels / width) * 2 * TRACK_SIGMA * dragScale(modifiers);
}

/** Hundredths: what is shown is what is set. Never -0. */
export function snap(value: number): number {
  const rounded = Math.round(value * 100) / 100;
  return rounded === 0 ? 0 : rounded;
}

/** The new value for a key, or null where the key means nothing to a slider. */
export function keyValue(value: number, key: string, shiftKey: boolean): number | null {
  const step = shiftKey ? 0.01 : 0.1;
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return snap(value + step);
    case "ArrowLeft":
    case "ArrowDown":
      return snap(value - step);
    case "PageUp":
      return snap(value + 1);
    case "PageDown":
      return snap(value - 1);
    case "Home":
      return -3;
    case "End":
      return 3;
    default:
      return null;
  }
}

/** Place of a value on the track, 0..1; values beyond the track stand at its end. */
export function trackPosition(value: number): number {
  return Math.min(1, Math.max(0, (value + TRACK_SIGMA) / (2 * TRACK_SIGMA)));
}

/** The range that holds the middle 99 % of the members, in sigma, from a histogram over the track. */
export function knownRange(histogram: readonly number[]): { low: number; high: number } {
  const total = histogram.reduce((sum, bin) => sum + bin, 0);
  if (total === 0) return { low: -TRACK_SIGMA, high: TRACK_SIGMA };
  const width = (2 * TRACK_SIGMA) / histogram.length;
  const cut = total * 0.005;
  let low = 0;
  let seen = 0;
  while (low < histogram.length - 1 && seen + (histogram[low] ?? 0) <= cut)
    seen += histogram[low++] ?? 0;
  let high = histogram.length - 1;
  seen = 0;
  while (high > 0 && seen + (histogram[high] ?? 0) <= cut) seen += histogram[high--] ?? 0;
  return { low: -TRACK_SIGMA + low * width, high: -TRACK_SIGMA + (high + 1) * width };
}

export function isBeyond(value: number, range: { low: number; high: number }): boolean {
  return value !== 0 && (value < range.low || value > range.high);
}
