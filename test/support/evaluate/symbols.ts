/** The sizes of symbols, found from the sizes that inputs are fed with. */
import { assert } from "../../../src-main/core/errors.ts";
import {
  type Dimension,
  dimensionText,
  evaluateDimension,
  solveDimension,
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
  if (symbolsOf(dimension).every((name) => known.has(name))) return true;
  const solution = solveDimension(dimension, size, known);
  if (solution === undefined) return false;
  known.set(solution.name, solution.value);
  return true;
}
