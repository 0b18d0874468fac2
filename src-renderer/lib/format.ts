/** Numbers, sizes and times as the interface writes them. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return whole.format(value);
}

/** "1 LoRA", "12 LoRAs"; `many` only where adding an s is wrong. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Decimal units, as file managers show them. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let scaled = value;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 || scaled >= 99.5 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit] ?? ""}`;
}

/** "+1.35", "−0.62", "+0.00": always signed, with a true minus, so that columns stand still. */
export function sigma(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return `${rounded < 0 ? "−" : "+"}${Math.abs(rounded).toFixed(2)}`;
}

/** "99.2 %"; one digit behind the point only where it tells something. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.05) return "< 0.1 %";
  if (value > 99.95 && value < 100) return "> 99.9 %";
  return `${Number.isInteger(Math.round(value * 10) / 10) ? value.toFixed(0) : value.toFixed(1)} %`;
}

export function milliseconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** "0.21 s", "4.2 s", "38 s": two digits that count, of a time that was measured. */
export function seconds(value: number): string {
  if (value < 0.995) return `${value.toFixed(2)} s`;
  return value < 9.95 ? `${value.toFixed(1)} s` : duration(value);
}

/** "8 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 60) return `${rounded} s`;
  const minutes = Math.floor(rounded / 60);
  if (minutes < 10)
    return rounded % 60 === 0 ? `${minutes} min` : `${minutes} min ${rounded % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0
    ? `${minutes / 60} h`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function rank(range: { min: number; max: number }): string {
  return range.min === range.max ? `${range.min}` : `${range.min}–${range.max}`;
}

export function day(time: number): string {
  return new Date(time).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

/** What somebody typed into a sigma field: accepts a true minus, a comma, a unit. Null where it is no number. */
export function parseNumber(text: string): number | null {
  const cleaned = text
    .trim()
    .replaceAll("−", "-")
    .replace(",", ".")
    .replace(/\s*(σ|%)$/u, "");
  if (cleaned === "") return null;
  const value = Number(cleaned);
  return Number.isFinite(value) ? value : null;
}
