/** Reads option values; what cannot be read is a usage error that says what was expected. */
import { InvalidArgumentError } from "commander";

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new InvalidArgumentError("It must be a number.");
  return value;
}

/** `0=1.5,3=-2`: sigma by component; given again, it adds to what came before. */
export function componentValues(
  text: string,
  before: ReadonlyMap<number, number> = new Map(),
): Map<number, number> {
  const values = new Map(before);
  for (const part of parts(text)) {
    const [, index, sigma] = /^(\d+)\s*=\s*(\S+)$/.exec(part) ?? [];
    if (index === undefined || sigma === undefined) {
      throw new InvalidArgumentError(`"${part}" is not COMPONENT=SIGMA, for example 0=1.5,3=-2.`);
    }
    values.set(Number(index), decimal(sigma));
  }
  return values;
}

/** `ID=W,ID=W`: the weight stands behind the last `=`, so that names may have one. No weight means 1. */
export function weights(
  text: string,
  before: readonly (readonly [string, number])[] = [],
): (readonly [string, number])[] {
  return [
    ...before,
    ...parts(text).map((part) => {
      const cut = part.lastIndexOf("=");
      return cut < 0
        ? ([part, 1] as const)
        : ([part.slice(0, cut).trim(), decimal(part.slice(cut + 1))] as const);
    }),
  ];
}

export type Assignment = readonly [name: string, value: string | null];

/** `NAME=VALUE`, where `NAME=` gives null; given again, it adds to what came before. */
export function assignments(text: string, before: readonly Assignment[] = []): Assignment[] {
  const cut = text.indexOf("=");
  if (cut <= 0) throw new InvalidArgumentError(`"${text}" is not NAME=VALUE.`);
  const value = text.slice(cut + 1);
  return [...before, [text.slice(0, cut), value === "" ? null : value]];
}

function parts(text: string): string[] {
  const found = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (found.length === 0) throw new InvalidArgumentError("It is empty.");
  return found;
}
