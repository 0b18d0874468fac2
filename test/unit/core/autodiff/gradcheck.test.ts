/**
 * Every operator's gradient against differences of its values in float64, over random shapes and parameters: the
 * cases are drawn from the same total table as those that ONNX Runtime is held against, so that no operator can be
 * added untested.
 */
import { describe, expect, it } from "vitest";
import { gradients } from "../../../../src-main/core/autodiff/gradients.ts";
import { gradientRules } from "../../../../src-main/core/autodiff/rules/index.ts";
import { cast, sum } from "../../../../src-main/core/graph/build/index.ts";
import { isFloat } from "../../../../src-main/core/graph/infer/rule.ts";
import type { Node } from "../../../../src-main/core/graph/node.ts";
import type { Operator } from "../../../../src-main/core/graph/operators.ts";
import { evaluateShape } from "../../../../src-main/core/graph/shape.ts";
import { elementCount } from "../../../../src-main/core/tensor/dtype.ts";
import type { Random } from "../../../../src-main/core/tensor/random.ts";
import { Draw } from "../../../support/operators/draw.ts";
import { drawn } from "../../../support/operators/drawn.ts";
import { operatorCases } from "../../../support/operators/operator-cases.ts";
import { evaluate, type Feeds } from "../../../support/evaluate/evaluate.ts";
import { floatInputs, gradientError, probed } from "../../../support/evaluate/gradcheck.ts";

const rounds = { F32: 40, F16: 6 } as const;

/** Operators with kinks, which differences must not step over. */
const kinked: ReadonlySet<Operator> = new Set([
  "absolute",
  "relu",
  "minimum",
  "maximum",
  "largest",
]);

const operators = Object.keys(operatorCases) as Operator[];
const differentiable = operators.filter((each) => typeof gradientRules[each] === "function");

/** Floats replaced by numbers all of which are well apart from each other and from 0. */
function apart(feeds: Feeds, names: readonly string[], random: Random): Feeds {
  const count = names.reduce((sum, name) => sum + (feeds[name]?.values.length ?? 0), 0);
  const free = Array.from({ length: count }, (_, at) => (at - count / 2 + 0.25) / 8);
  const taken = () => free.splice(random.below(free.length), 1)[0] ?? Number.NaN;
  return {
    ...feeds,
    ...Object.fromEntries(
      names.flatMap((name) => {
        const fed = feeds[name];
        return fed ? [[name, { shape: fed.shape, values: fed.values.map(taken) }]] : [];
      }),
    ),
  };
}

function feedsOf(operator: Operator, node: Node, draw: Draw): Feeds {
  const { reference } = draw.feeds(0);
  const names = floatInputs(node).map(({ parameters }) => parameters.name);
  const shape = evaluateShape(node.shape, draw.binding(0));
  const values = new Float64Array(elementCount(shape)).map(() => draw.random.normal());
  const fed = kinked.has(operator) ? apart(reference, names, draw.random) : reference;
  return { ...fed, probe: { shape, values } };
}

function seedOf(operator: Operator, round: number): number {
  return round * 1000 + operators.indexOf(operator);
}

describe.each(differentiable)("%s", (operator) => {
  it("has the gradient of its values", () => {
    let checked = 0;
    for (const dtype of ["F32", "F16"] as const) {
      for (let round = 0; round < rounds[dtype]; round++) {
        const draw = new Draw(seedOf(operator, round), round % 2 === 1);
        const node = drawn(operator, draw, dtype);
        // A cast to integers.
        if (node === undefined || !isFloat(node.dtype)) continue;
        const feeds = feedsOf(operator, node, draw);
        const error = gradientError(probed(node), floatInputs(node), feeds, draw.random);
        expect(error, `${operator} ${dtype}, round ${round}`).toBeLessThan(1e-8);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(10);
  });
});

describe.each(operators.filter((operator) => !differentiable.includes(operator)))(
  "%s",
  (operator) => {
    it("says why it has no gradient, and gives zeros", () => {
      const rule = gradientRules[operator];
      expect("because" in rule && rule.because).toMatch(/\w+ \w+/);
      for (const dtype of ["F32", "I64", "BOOL"] as const) {
        const draw = new Draw(seedOf(operator, 0), false);
        const node = drawn(operator, draw, dtype);
        if (node === undefined || node.inputs.length === 0) continue;
        const inputs = floatInputs(node);
        const found = gradients(sum(cast(node, "F32")), inputs);
        const [, ...values] = evaluate([node, ...found], draw.feeds(0).reference);
        values.forEach(({ values: each }) => expect(each.every((value) => value === 0)).toBe(true));
      }
    });
  },
);
