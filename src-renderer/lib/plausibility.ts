/** The plausibility meter: how far a point lies from what the members cover, in words. */

export interface Plausibility {
  readonly words: string;
  /** Share of the meter that is filled, 0..1. */
  readonly fill: number;
  readonly caution: boolean;
}

export function plausibility(
  extremity: number | null,
  beyond: { index: number; sigma: number } | null,
  nameOf: (index: number) => string,
): Plausibility {
  if (beyond !== null)
    return {
      words: `${nameOf(beyond.index)} is past 99 % of members`,
      fill: Math.max(0.9, extremity ?? 1),
      caution: true,
    };
  if (extremity === null) return { words: "Not measured yet", fill: 0, caution: false };
  if (extremity > 0.99)
    return { words: "Further out than 99 % of members", fill: extremity, caution: true };
  if (extremity > 0.9)
    return { words: "At the edge of the members", fill: extremity, caution: false };
  if (extremity > 0.5) return { words: "Well within the members", fill: extremity, caution: false };
  return { words: "Near the middle of the members", fill: extremity, caution: false };
}
