/** The sizes of symbols, found from the sizes that inputs are fed with. */
import { assert } from "../../../src-main/core/errors.ts";
import {
  type Dimension,
  dimensionText,
  evaluateDimension,
  symbolsOf,
} from "../../../src-main/core/graph/dimension.ts";
import type { Shape } from "../../../src-main/core/graph/shape.ts";

interface Fed {
  readonly shape: Shape;
  readonly sizes: readonly number[];
}

interface Equation {
  readonly dimension: Dimension;
  readonly size: number;
}

/** Solves `batch`, `2 * width` and `width + height` where all symbols but one are known; checks all others. */
export function solveSymbols(inputs: readonly Fed[]): Map<string, number> {
  const known = new Map<string, number>();
  const equations = inputs.flatMap(({ shape, sizes }) => {
    assert(
      shape.length === sizes.length,
      `an input of ${shape.length} axes is fed ${sizes.length}`,
    );
    return shape.map((dimension, axis): Equation => ({ dimension, size: sizes[axis] ?? 0 }));
  });
  for (let open = equations, before = -1; open.length !== before;) {
    before = open.length;
    open = open.filter((equation) => !solved(equation, known));
  }
  for (const { dimension, size } of equations) {
    const expected = evaluateDimension(dimension, known);
    assert(expected === size, `${dimensionText(dimension)} is ${expected} and fed as ${size}`);
  }
  return known;
}

function solved({ dimension, size }: Equation, known: Map<string, number>): boolean {
  const unknown = new Set(symbolsOf(dimension).filter((name) => !known.has(name)));
  const [name, ...others] = unknown;
  if (name === undefined) return true;
  if (others.length > 0 || hasFloor(dimension)) return false;
  // Linear in the symbol: the size between that at 0 and that at 1 is what one of it adds.
  const at = (value: number) => evaluateDimension(dimension, new Map(known).set(name, value));
  known.set(name, Math.round((size - at(0)) / (at(1) - at(0))));
  return true;
}

/** A rounded size tells too little of what it was made of. */
function hasFloor(dimension: Dimension): boolean {
  return (
    typeof dimension !== "number" &&
    dimension.terms.some(({ factors }) => factors.some(({ kind }) => kind === "floor"))
  );
}
