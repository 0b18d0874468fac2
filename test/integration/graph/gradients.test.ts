/**
 * Every operator's gradients on ONNX Runtime against the evaluator's: the rules' nodes as they are lowered, at two
 * sizes of each symbol in one session.
 */
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src-main/core/autodiff/gradients.ts";
import { gradientRules } from "../../../src-main/core/autodiff/rules/index.ts";
import { graphOf } from "../../../src-main/core/graph/node.ts";
import type { GraphDType, Operator } from "../../../src-main/core/graph/operators.ts";
import { evaluateShape } from "../../../src-main/core/graph/shape.ts";
import { shareCommon } from "../../../src-main/core/graph/share.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { openSession } from "../../../src-main/engine/session.ts";
import { evaluate } from "../../support/evaluate/evaluate.ts";
import { floatInputs, probed } from "../../support/evaluate/gradcheck.ts";
import { Draw, toFloat64 } from "../../support/operators/draw.ts";
import { drawn } from "../../support/operators/drawn.ts";
import { operatorCases } from "../../support/operators/operator-cases.ts";

const rounds = 6;
/** Of a gradient's largest element: a few roundings to the type, more in long sums. */
const tolerances: Partial<Record<GraphDType, number>> = {
  F32: 2e-5,
  F16: 2 ** -8,
  BF16: 2 ** -5,
};

const operators = (Object.keys(operatorCases) as Operator[]).filter(
  (operator) => typeof gradientRules[operator] === "function",
);

function distance(found: Float64Array, expected: Float64Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return expected.reduce((worst, value, at) => {
    const error = Math.abs((found[at] ?? Number.NaN) - value) / scale;
    return Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }, 0);
}

describe.each(operators)("%s", (operator) => {
  it("has on the runtime the gradients that it has in the evaluator", async () => {
    let checked = 0;
    for (let round = 0; round < rounds; round++) {
      const draw = new Draw(round * 1000 + operators.indexOf(operator), round % 2 === 1);
      const node = drawn(operator, draw, "F32");
      const tolerance = tolerances[node?.dtype ?? "BOOL"];
      if (node === undefined || tolerance === undefined) continue;
      const inputs = floatInputs(node);
      const loss = probed(node);
      const named = gradients(loss, inputs).map((gradient, at) => [`gradient${at}`, gradient]);
      const graph = shareCommon(graphOf({ loss, ...Object.fromEntries(named) }));
      await using session = await openSession(graph, { provider: "cpu", threads: 1 });
      for (const which of [0, 1] as const) {
        const { tensors, reference } = draw.feeds(which);
        const shape = evaluateShape(node.shape, draw.binding(which));
        const count = elementCount(shape);
        const probe = node.dtype === "F16" ? new Float16Array(count) : new Float32Array(count);
        probe.forEach((_, at) => (probe[at] = draw.random.normal()));
        const found = await session.run({ ...tensors, probe: { shape, values: probe } });
        const expected = evaluate([...graph.outputs.values()], {
          ...reference,
          probe: { shape, values: Float64Array.from(probe) },
        });
        [...graph.outputs.keys()].forEach((name, at) => {
          const result = found[name];
          expect(result?.shape).toEqual(expected[at]?.shape);
          const error = distance(
            toFloat64(result?.values ?? new Float32Array()),
            expected[at]?.values ?? new Float64Array(),
          );
          expect(error, `${name} of ${operator}, round ${round}`).toBeLessThan(tolerance);
        });
        checked++;
      }
    }
    expect(checked).toBeGreaterThanOrEqual(4);
  });
});
