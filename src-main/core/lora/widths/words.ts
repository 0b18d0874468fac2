/** What widths are called, and whether two LoRAs can be of one model. */
import type { Family } from "../lora.ts";
import { architectureOf, type Widths } from "./architecture.ts";

/** `32 / 64 / 128`, levels outermost first, `?` for one that nothing told; null for the published widths. */
export function namedWidths(family: Family, widths: Widths): string | null {
  const { widths: all, levels } = architectureOf(family);
  const different = all.flatMap(({ name, published }, width) => {
    const size = widths[width];
    return size === undefined || size === published ? [] : [{ name, width, size }];
  });
  const [first] = different;
  if (first === undefined) return null;
  if (first.width < levels) {
    return Array.from({ length: levels }, (_, level) => widths[level] ?? "?").join(" / ");
  }
  return different.map(({ name, size }) => `${name} ${String(size)}`).join(", ");
}

/** What the widths of two LoRAs are called where no model has both; null where one could. */
export function differingWidths(family: Family, one: Widths, other: Widths): string | null {
  const { widths: all, levels } = architectureOf(family);
  const at = all.findIndex(
    (_, width) =>
      one[width] !== undefined && other[width] !== undefined && one[width] !== other[width],
  );
  if (at < 0) return null;
  if (at >= levels) {
    return `${all[at]?.name ?? ""} ${String(one[at])} and ${String(other[at])}`;
  }
  const published = all.slice(0, levels).map((width) => width.published);
  const [left, right] = [one, other].map(
    (widths) => namedWidths(family, widths) ?? published.join(" / "),
  );
  return `widths ${left ?? ""} and ${right ?? ""}`;
}

/** What is known from either, the first before the second. */
export function joinedWidths(one: Widths, other: Widths): Widths {
  return one.map((size, width) => size ?? other[width]);
}
