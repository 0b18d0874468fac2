/** Small parameters as one vector: an operator on a bias costs its start, so hundreds of them are updated at once. */
import { concat, reshape, slice } from "../graph/build/index.ts";
import type { Node } from "../graph/node.ts";
import { elementCount } from "../tensor/dtype.ts";

/** A parameter on its way through a step. */
export interface Slope {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameter: Node;
  readonly gradient: Node;
}

/** One or many parameters that are updated together. */
export interface Group extends Slope {
  /** The parameters behind the step, by name, from that of the group. */
  readonly parts: (next: Node) => (readonly [name: string, next: Node])[];
}

/**
 * Elements up to which a parameter is small. Measured on the CPU with a UNet of 326 parameters: at 64 KB copies into
 * and out of the vector cost less than the starts of the operators that they save, at 256 KB as much.
 */
const small = 16_384;

/** What the state of the vector is called, as `first:(small)`; names of parameters have no parentheses. */
const vectorName = "(small)";

/** Large parameters by themselves, in their order, then all small ones. */
export function grouped(slopes: readonly Slope[], limit = small): Group[] {
  const isSmall = ({ shape }: Slope) => elementCount(shape) <= limit;
  const together = slopes.filter(isSmall);
  if (together.length < 2) return slopes.map(alone);
  return [...slopes.filter((slope) => !isSmall(slope)).map(alone), joined(together)];
}

function alone(slope: Slope): Group {
  return { ...slope, parts: (next) => [[slope.name, next]] };
}

function joined(slopes: readonly Slope[]): Group {
  const flat = (node: Node, { shape }: Slope) => reshape(node, [elementCount(shape)]);
  return {
    name: vectorName,
    shape: [slopes.reduce((sum, { shape }) => sum + elementCount(shape), 0)],
    parameter: concat(
      slopes.map((slope) => flat(slope.parameter, slope)),
      0,
    ),
    gradient: concat(
      slopes.map((slope) => flat(slope.gradient, slope)),
      0,
    ),
    parts: (next) => {
      let end = 0;
      return slopes.map(({ name, shape }) => {
        const start = end;
        end += elementCount(shape);
        return [name, reshape(slice(next, 0, start, end), shape)] as const;
      });
    },
  };
}
