/** Sizes that are known only at run time, computed from the shapes of the inputs that carry them. */
import { FacetError } from "../errors.ts";
import {
  type Atom,
  type Dimension,
  minus,
  quotient,
  sameDimension,
  symbolsOf,
} from "../graph/dimension.ts";
import { sameShape, type Shape } from "../graph/shape.ts";
import { integer, type Emitter } from "./emitter.ts";

/** A list of I64 with the sizes of a shape. */
export function shapeValue(emitter: Emitter, shape: Shape): string {
  const numbers = shape.filter((size) => typeof size === "number");
  if (numbers.length === shape.length) return emitter.list(numbers);
  const key = `shape ${shape.map((size) => (typeof size === "number" ? size : size.text)).join()}`;
  return emitter.once(key, () => {
    const parts = shape.map((size) => sizeValue(emitter, size));
    const [only, ...others] = parts;
    if (only !== undefined && others.length === 0) return only;
    return emitter.node("Concat", parts, { axis: integer(0) });
  });
}

interface ReshapeTo {
  readonly shape: string;
  /** A size of zero is meant as one. */
  readonly zeros: boolean;
}

/**
 * A shape for Reshape: unknown sizes are taken from the same axis of the operand (0) or left to be counted (-1),
 * so that sizes are computed only where two are unknown.
 */
export function reshapeTo(emitter: Emitter, from: Shape, to: Shape): ReshapeTo {
  if (to.every((size) => typeof size === "number")) {
    return { shape: emitter.list(to), zeros: to.includes(0) };
  }
  if (to.includes(0)) return { shape: shapeValue(emitter, to), zeros: true };
  let counted = false;
  const short = to.map((size, axis) => {
    if (typeof size === "number") return size;
    const own = from[axis];
    if (own !== undefined && sameDimension(own, size)) return 0;
    if (counted) return undefined;
    counted = true;
    return -1;
  });
  const known = short.filter((size) => size !== undefined);
  return known.length === short.length
    ? { shape: emitter.list(known), zeros: false }
    : { shape: shapeValue(emitter, to), zeros: false };
}

/** The value in another shape; of several changes in a row only the last is made. */
export function reshaped(emitter: Emitter, value: string, from: Shape, to: Shape): string {
  const before = emitter.reshapes.get(value) ?? { value, shape: from };
  if (sameShape(before.shape, to)) return before.value;
  const { shape, zeros } = reshapeTo(emitter, before.shape, to);
  const attributes = zeros ? { allowzero: integer(1) } : {};
  const result = emitter.node("Reshape", [before.value, shape], attributes);
  emitter.reshapes.set(result, before);
  return result;
}

/**
 * A list of I64 that is known only once `other` is: joined from the list and no elements of the other value. No
 * optimiser can tell that it is constant, since what it is cut from is not.
 */
export function late(emitter: Emitter, list: string, other: string): string {
  const flat = emitter.node("Reshape", [other, emitter.list([-1])]);
  const none = emitter.node("Slice", [flat, emitter.list([0]), emitter.list([0])]);
  return emitter.node("Concat", [emitter.cast(none, "I64"), list], { axis: integer(0) });
}

/** A list of one I64. */
export function sizeValue(emitter: Emitter, size: Dimension): string {
  if (typeof size === "number") return emitter.list([size]);
  return emitter.once(`size ${size.text}`, () => {
    const terms = size.terms.map(({ coefficient, factors }) => {
      const parts = factors.map((factor) => atomValue(emitter, factor));
      if (coefficient !== 1 || parts.length === 0) parts.push(emitter.list([coefficient]));
      return parts.reduce((left, right) => emitter.node("Mul", [left, right]));
    });
    return terms.reduce((left, right) => emitter.node("Add", [left, right]));
  });
}

/** The runtime's division of integers rounds towards zero, which is down for whatever a shape can hold. */
function atomValue(emitter: Emitter, atom: Atom): string {
  return emitter.once(`size ${atom.text}`, () =>
    atom.kind === "floor"
      ? emitter.node("Div", [sizeValue(emitter, atom.of), emitter.list([atom.by])])
      : symbolValue(emitter, atom.text),
  );
}

/** From an axis that has the symbol as its size, else from one that is a multiple of it and a number. */
function symbolValue(emitter: Emitter, symbol: string): string {
  let solvable: { value: string; less: number; by: number } | undefined;
  for (const { name, shape } of emitter.inputs) {
    for (const [axis, size] of shape.entries()) {
      if (typeof size === "number" || !symbolsOf(size).includes(symbol)) continue;
      const solution = solve(size, symbol);
      if (solution === undefined) continue;
      const { less, by } = solution;
      const bare = less === 0 && by === 1;
      if (!bare && solvable !== undefined) continue;
      const value = emitter.once(`axis ${axis} of ${name}`, () =>
        emitter.node("Shape", [name], { start: integer(axis), end: integer(axis + 1) }),
      );
      if (bare) return value;
      solvable = { value, less, by };
    }
  }
  if (solvable === undefined) {
    throw new FacetError(
      "shape-mismatch",
      `The size ${symbol} is wanted when the graph runs, and no input's shape tells it.`,
      { field: symbol },
    );
  }
  const { value, less, by } = solvable;
  const rest = less === 0 ? value : emitter.node("Sub", [value, emitter.list([less])]);
  return by === 1 ? rest : emitter.node("Div", [rest, emitter.list([by])]);
}

/** size = by * symbol + less */
function solve(size: Dimension, symbol: string): { less: number; by: number } | undefined {
  if (typeof size === "number") return undefined;
  const constant = size.terms.find(({ factors }) => factors.length === 0)?.coefficient ?? 0;
  const rest = minus(size, constant);
  if (typeof rest === "number") return undefined;
  const [term, ...others] = rest.terms;
  const [factor, ...more] = term?.factors ?? [];
  if (!term || !factor || others.length > 0 || more.length > 0) return undefined;
  if (factor.kind !== "symbol" || factor.text !== symbol) return undefined;
  return quotient(rest, term.coefficient) === undefined
    ? undefined
    : { less: constant, by: term.coefficient };
}
