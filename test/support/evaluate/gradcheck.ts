/** Gradients held against differences of values. */
import { gradients, type Segment } from "../../../src-main/core/autodiff/gradients.ts";
import { input, multiply, reshape, sum } from "../../../src-main/core/graph/build/index.ts";
import { graphOf, type Node, type NodeOf } from "../../../src-main/core/graph/node.ts";
import { inOrder } from "../../../src-main/core/graph/order.ts";
import { shareCommon } from "../../../src-main/core/graph/share.ts";
import { verifyGraph } from "../../../src-main/core/graph/verify.ts";
import type { Random } from "../../../src-main/core/tensor/random.ts";
import { evaluate, type Feeds } from "./evaluate.ts";
import { type Tensor64, total } from "./tensor.ts";

/** Differences of the fourth order lose 1e-9 at most to this step where values curve most, and 1e-10 to rounding. */
const step = 2 ** -13;
/** Inputs of no more elements are differentiated element by element; larger ones along random directions. */
const few = 12;
const directions = 3;

export function floatInputs(node: Node): NodeOf<"input">[] {
  return inOrder([node]).flatMap((one) =>
    one.operator === "input" && /F/.test(one.dtype) ? [one] : [],
  );
}

/** One number that depends on every element of a value, on each differently. */
export function probed(value: Node): Node {
  return reshape(sum(multiply(value, input("probe", value.shape, value.dtype))), []);
}

/** The largest relative error of the loss's gradients in the inputs. */
export function gradientError(
  loss: Node,
  inputs: readonly NodeOf<"input">[],
  feeds: Feeds,
  random: Random,
  segments: readonly Segment[] = [],
): number {
  const names = inputs.map(({ parameters }) => parameters.name);
  const found = gradients(loss, inputs, { segments });
  // The loss too: the gradients alone may not contain the inputs that tell all sizes.
  const graph = shareCommon(
    graphOf({ loss, ...Object.fromEntries(found.map((one, at) => [`gradient ${at}`, one])) }),
  );
  verifyGraph(graph);
  const [, ...values] = evaluate([...graph.outputs.values()], feeds);
  // Some gradients are all but 0 beside the others, as that of a bias that softmax takes away.
  const largest = Math.max(...values.map((value) => Math.hypot(...value.values)));
  return Math.max(
    0,
    ...names.flatMap((name, each) => {
      const fed = feeds[name];
      const gradient = values[each];
      if (fed === undefined || gradient === undefined) return [Number.NaN];
      if (fed.shape.join() !== gradient.shape.join() || found[each]?.dtype !== inputs[each]?.dtype)
        return [Infinity];
      const norm = Math.hypot(...gradient.values);
      return directionsOf(fed, random).map((direction) => {
        const expected = slope(loss, feeds, name, direction);
        const actual = total(gradient.values.map((value, at) => value * (direction[at] ?? 0)));
        return (
          Math.abs(actual - expected) / Math.max(norm, Math.abs(expected), 1e-3 * largest, 1e-6)
        );
      });
    }),
  );
}

function directionsOf({ values }: Tensor64, random: Random): Float64Array[] {
  const still = new Float64Array(values.length);
  if (values.length <= few) return Array.from(values, (_, at) => still.with(at, 1));
  return Array.from({ length: directions }, () => still.map(() => random.normal()));
}

/** (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h: Abramowitz and Stegun 25.3.6. */
function slope(loss: Node, feeds: Feeds, name: string, direction: Float64Array): number {
  const at = (steps: number): number => {
    const fed = feeds[name] ?? { shape: [], values: new Float64Array() };
    const moved = fed.values.map((value, index) => value + steps * step * (direction[index] ?? 0));
    const [value] = evaluate([loss], { ...feeds, [name]: { shape: fed.shape, values: moved } });
    return value?.values[0] ?? Number.NaN;
  };
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
}
