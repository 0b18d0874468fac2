/** Sizes that may be known only when a graph runs: integer polynomials over symbols, in one canonical form. */
import { assert } from "../errors.ts";

/** `batch`, `2 * height`, `floor((width + 1) / 2)`; equal ones have equal `text`. */
export interface Symbolic {
  readonly text: string;
  readonly terms: readonly Term[];
}

export interface Term {
  readonly coefficient: number;
  /** Sorted by text; empty in the constant term. */
  readonly factors: readonly Atom[];
}

export type Atom =
  | { readonly kind: "symbol"; readonly text: string }
  | { readonly kind: "floor"; readonly text: string; readonly of: Symbolic; readonly by: number };

export type Dimension = number | Symbolic;

/** A size with a name, known when a graph runs. */
export function symbol(name: string): Dimension {
  assert(/^[a-z]\w*$/i.test(name), `"${name}" is no name for a dimension`);
  return polynomial([{ coefficient: 1, factors: [{ kind: "symbol", text: name }] }]);
}

export function plus(left: Dimension, right: Dimension): Dimension {
  if (typeof left === "number" && typeof right === "number") return left + right;
  return polynomial([...termsOf(left), ...termsOf(right)]);
}

export function minus(left: Dimension, right: Dimension): Dimension {
  return plus(left, times(right, -1));
}

export function times(left: Dimension, right: Dimension): Dimension {
  if (typeof left === "number" && typeof right === "number") return left * right;
  return polynomial(
    termsOf(left).flatMap((one) =>
      termsOf(right).map((other) => ({
        coefficient: one.coefficient * other.coefficient,
        factors: [...one.factors, ...other.factors].toSorted((a, b) => compare(a.text, b.text)),
      })),
    ),
  );
}

/** `floor(of / by)`: what coefficients hold of whole `by`s stands outside, so that equal sizes read the same. */
export function floorDivide(of: Dimension, by: number): Dimension {
  assert(Number.isInteger(by) && by > 0, `division of a dimension by ${by}`);
  if (typeof of === "number") return Math.floor(of / by);
  const whole = of.terms.map((term) => ({
    ...term,
    coefficient: Math.floor(term.coefficient / by),
  }));
  const exact = polynomial(whole);
  const rest = minus(of, times(exact, by));
  // All that is left of numbers is less than `by`.
  if (typeof rest === "number") return exact;
  const text = `floor((${rest.text}) / ${by})`;
  return plus(
    exact,
    polynomial([{ coefficient: 1, factors: [{ kind: "floor", text, of: rest, by }] }]),
  );
}

/** The factor that gives `whole` when multiplied by `part`, or undefined where there is none. */
export function quotient(whole: Dimension, part: Dimension): Dimension | undefined {
  if (sameDimension(whole, part)) return 1;
  if (typeof part === "number") {
    if (part < 1 || termsOf(whole).some(({ coefficient }) => coefficient % part !== 0))
      return undefined;
    return floorDivide(whole, part);
  }
  const [term, ...others] = part.terms;
  if (term === undefined || others.length > 0) return undefined;
  const divided: Term[] = [];
  for (const { coefficient, factors } of termsOf(whole)) {
    const left = [...factors];
    for (const { text } of term.factors) {
      const at = left.findIndex((factor) => factor.text === text);
      if (at < 0) return undefined;
      left.splice(at, 1);
    }
    if (coefficient % term.coefficient !== 0) return undefined;
    divided.push({ coefficient: coefficient / term.coefficient, factors: left });
  }
  return polynomial(divided);
}

export function sameDimension(left: Dimension, right: Dimension): boolean {
  return dimensionText(left) === dimensionText(right);
}

export function dimensionText(dimension: Dimension): string {
  return typeof dimension === "number" ? String(dimension) : dimension.text;
}

/** Names of all symbols in a dimension. */
export function symbolsOf(dimension: Dimension): string[] {
  return termsOf(dimension).flatMap(({ factors }) =>
    factors.flatMap((factor) => (factor.kind === "symbol" ? factor.text : symbolsOf(factor.of))),
  );
}

/** The number that a dimension has under values of its symbols. */
export function evaluateDimension(
  dimension: Dimension,
  values: ReadonlyMap<string, number>,
): number {
  return termsOf(dimension).reduce(
    (sum, { coefficient, factors }) =>
      sum +
      factors.reduce((product, factor) => product * evaluateAtom(factor, values), coefficient),
    0,
  );
}

/**
 * The one symbol that is not known yet, by the number that the whole is: 8 of `2 * rows` gives rows = 4. Undefined where
 * all or too few symbols are known, or where rounding or a square hides what the size was made of. `value` is no whole
 * number of at least 0 where no size of the symbol gives that: 7 of `2 * rows`.
 */
export function solveDimension(
  dimension: Dimension,
  actual: number,
  known: ReadonlyMap<string, number>,
): { readonly name: string; readonly value: number } | undefined {
  if (isBare(dimension) && !known.has(dimension.text))
    return { name: dimension.text, value: actual };
  const symbols = symbolsOf(dimension);
  const [name, ...others] = new Set(symbols.filter((each) => !known.has(each)));
  if (name === undefined || others.length > 0) return undefined;
  if (termsOf(dimension).some(({ factors }) => factors.some(({ kind }) => kind === "floor")))
    return undefined;
  // Linear in the symbol: the size between that at 0 and that at 1 is what one of it adds.
  // With only its own symbols: networks that take LoRAs have hundreds of others.
  const own = new Map(symbols.map((each) => [each, known.get(each) ?? 0]));
  const at = (value: number) => evaluateDimension(dimension, own.set(name, value));
  const value = (actual - at(0)) / (at(1) - at(0));
  return Number.isInteger(value) && at(value) !== actual ? undefined : { name, value };
}

/** Whether it is one symbol and nothing else. */
function isBare(dimension: Dimension): dimension is Symbolic {
  if (typeof dimension === "number") return false;
  const [term, ...others] = dimension.terms;
  const [factor, ...more] = term?.factors ?? [];
  return (
    others.length === 0 && term?.coefficient === 1 && more.length === 0 && factor?.kind === "symbol"
  );
}

function evaluateAtom(atom: Atom, values: ReadonlyMap<string, number>): number {
  if (atom.kind === "floor") return Math.floor(evaluateDimension(atom.of, values) / atom.by);
  const value = values.get(atom.text);
  assert(value !== undefined, `dimension ${atom.text} has no value`);
  return value;
}

function termsOf(dimension: Dimension): readonly Term[] {
  if (typeof dimension !== "number") return dimension.terms;
  return dimension === 0 ? [] : [{ coefficient: dimension, factors: [] }];
}

/** Like terms gathered and sorted; a plain number where nothing symbolic is left. */
function polynomial(terms: readonly Term[]): Dimension {
  const gathered = new Map<string, Term>();
  for (const { coefficient, factors } of terms) {
    const key = factors.map(({ text }) => text).join(" * ");
    const sum = (gathered.get(key)?.coefficient ?? 0) + coefficient;
    gathered.set(key, { coefficient: sum, factors });
  }
  const kept = [...gathered.entries()]
    .filter(([, { coefficient }]) => coefficient !== 0)
    // The constant last, as one writes it.
    .toSorted(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : compare(a, b)));
  const [only, ...others] = kept;
  if (only === undefined) return 0;
  if (others.length === 0 && only[0] === "") return only[1].coefficient;
  const text = kept
    .map(([key, { coefficient }], index) => {
      const sign = coefficient < 0 ? (index === 0 ? "-" : " - ") : index === 0 ? "" : " + ";
      const size = Math.abs(coefficient);
      if (key === "") return `${sign}${size}`;
      return size === 1 ? `${sign}${key}` : `${sign}${size} * ${key}`;
    })
    .join("");
  return { text, terms: kept.map(([, term]) => term) };
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
