/** The members' distribution behind a slider: faint bars over -4..4 sigma. */
import { type ReactNode, memo, useMemo } from "react";

/** Enough to see a shape at 230 px, few enough to be bars. */
const BARS = 40;

export const HistogramBars = memo(function HistogramBars({
  bins,
}: {
  readonly bins: readonly number[];
}): ReactNode {
  const path = useMemo(() => {
    const groups = Math.min(BARS, bins.length);
    if (groups === 0) return "";
    const heights = Array.from({ length: groups }, (_, i) => {
      const from = Math.floor((i * bins.length) / groups);
      const to = Math.max(from + 1, Math.floor(((i + 1) * bins.length) / groups));
      return bins.slice(from, to).reduce((sum, bin) => sum + bin, 0) / (to - from);
    });
    const top = Math.max(...heights, 1e-9);
    const width = 100 / groups;
    return heights
      .map((height, i) => {
        // The root lifts the tails, which is where one looks.
        const tall = height === 0 ? 0.4 : 0.8 + 9.2 * Math.sqrt(height / top);
        return `M${(i * width + width * 0.12).toFixed(2)} 10h${(width * 0.76).toFixed(2)}v-${tall.toFixed(2)}h-${(width * 0.76).toFixed(2)}z`;
      })
      .join("");
  }, [bins]);
  return (
    <svg className="histogram" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
});
