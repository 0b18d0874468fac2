/** Reads parsed JSON of unknown make: what is not as expected is as if it were not there. */

export type Values = Readonly<Record<string, unknown>>;

export function valuesOf(json: unknown): Values {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Values) : {};
}

/** A positive whole number, or a list of such; empty for all else. */
export function numbersOf(value: unknown): number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const numbers = list.filter((each) => typeof each === "number");
  return numbers.length === list.length &&
    numbers.every((each) => Number.isInteger(each) && each > 0)
    ? numbers
    : [];
}
