/**
 * Every operator on ONNX Runtime, in every type that inference takes: shapes and types are what inference said, at two
 * sizes of each symbol in one session, and values are the evaluator's.
 */
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../src-main/core/errors.ts";
import { graphOf, type Node } from "../../../src-main/core/graph/node.ts";
import type { GraphDType } from "../../../src-main/core/graph/operators.ts";
import { evaluateShape } from "../../../src-main/core/graph/shape.ts";
import { verifyGraph } from "../../../src-main/core/graph/verify.ts";
import { openSession, type Values } from "../../../src-main/engine/session.ts";
import { evaluate } from "../../support/evaluate/evaluate.ts";
import { Draw, toFloat64 } from "../../support/operators/draw.ts";
import { type OperatorCase, operatorCases } from "../../support/operators/operator-cases.ts";

const dtypes = ["F32", "F16", "BF16", "I32", "I64", "BOOL"] as const;

/** Of one operator's result: rounding to the type, and the kernels' own error in F32. */
const tolerances: Record<GraphDType, number> = {
  F32: 2e-5,
  F16: 2 ** -10,
  BF16: 2 ** -7,
  I32: 0,
  I64: 0,
  BOOL: 0,
};

const arrays = {
  F32: Float32Array,
  F16: Float16Array,
  BF16: Float32Array,
  I32: Int32Array,
  I64: BigInt64Array,
  BOOL: Uint8Array,
} satisfies Record<GraphDType, unknown>;

const rounds = 8;

/** Undefined where inference refuses the type. */
function drawn(make: OperatorCase, draw: Draw, dtype: GraphDType): Node | undefined {
  try {
    return make(draw, dtype);
  } catch (error) {
    if (error instanceof FacetError && error.code === "shape-mismatch") return undefined;
    throw error;
  }
}

function largestError(found: Values, expected: Float64Array): number {
  let worst = 0;
  toFloat64(found).forEach((value, index) => {
    const wanted = expected[index] ?? Number.NaN;
    const error = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
    worst = Number.isNaN(error) ? Infinity : Math.max(worst, error);
  });
  return worst;
}

describe.each(Object.entries(operatorCases))("%s", (operator, make) => {
  const seedOf = (round: number) => round * 1000 + Object.keys(operatorCases).indexOf(operator);
  const taken = dtypes.filter((dtype) => drawn(make, new Draw(seedOf(0), false), dtype));

  it("is taken in some type", () => {
    expect(taken.length).toBeGreaterThan(0);
  });

  it.each(taken)("gives in %s what was inferred and what the evaluator gives", async (dtype) => {
    for (let round = 0; round < rounds; round++) {
      const draw = new Draw(seedOf(round), round % 2 === 1);
      const node = drawn(make, draw, dtype);
      if (node === undefined) continue;
      const graph = graphOf({ result: node });
      verifyGraph(graph);
      await using session = await openSession(graph, { provider: "cpu", threads: 1 });
      for (const which of [0, 1] as const) {
        const { tensors, reference } = draw.feeds(which);
        const { result } = await session.run(tensors);
        const [expected] = evaluate([node], reference);
        if (result === undefined || expected === undefined) throw new Error("no result");
        const sizes = new Map(draw.binding(which));
        expect(result.shape).toEqual(evaluateShape(node.shape, sizes));
        expect(result.values).toBeInstanceOf(arrays[node.dtype]);
        const error = largestError(result.values, expected.values);
        expect(error, `${operator} ${dtype}, round ${round}`).toBeLessThanOrEqual(
          tolerances[node.dtype],
        );
      }
    }
  });
});
