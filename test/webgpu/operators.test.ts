/**
 * Every operator on the webgpu provider against the evaluator, nothing computed on the CPU unseen. Under SwiftShader,
 * which has no half floats, with sizes that are known: those of a run are computed on the CPU by any provider.
 */
import { describe, expect, it } from "vitest";
import { FacetError } from "../../src-main/core/errors.ts";
import {
  absolute,
  input,
  negate,
  oneHot,
  reshape,
  scatterAdd,
} from "../../src-main/core/graph/build/index.ts";
import { graphOf, type Node } from "../../src-main/core/graph/node.ts";
import { inOrder } from "../../src-main/core/graph/order.ts";
import type { GraphDType, Operator } from "../../src-main/core/graph/operators.ts";
import { openSession } from "../../src-main/engine/session.ts";
import { Draw, toFloat64 } from "../support/operators/draw.ts";
import { operatorCases } from "../support/operators/operator-cases.ts";
import { evaluate } from "../support/evaluate/evaluate.ts";

/** What the provider has no kernels for; the runtime computes it on the CPU where it may. */
const lacking: Readonly<Record<string, () => Node>> = {
  "scatterAdd by I64 indices": () =>
    scatterAdd(input("x0", [3], "I64"), input("x1", [3, 2], "F32"), 4),
  "oneHot of I64 indices": () => oneHot(input("x0", [3], "I64"), 4),
  "reshape of I64": () => reshape(input("x0", [4], "I64"), [2, 2]),
  "negate of I32": () => negate(input("x0", [3], "I32")),
  "absolute of I32": () => absolute(input("x0", [3], "I32")),
};

/** The shaders' sines are of single precision with a short series. */
const tolerances: Partial<Record<Operator, number>> = { sin: 1e-3, cos: 1e-3 };
const tolerance = 1e-4;
const rounds = 6;
const unfit: ReadonlySet<GraphDType> = new Set(["F16", "BF16", "I64"]);
const options = { provider: "webgpu", threads: 1, strict: true } as const;

const operators = Object.keys(operatorCases) as Operator[];

/** Cases are drawn anew where they need half floats, which SwiftShader lacks, or I64, which the provider reads alone. */
function drawn(operator: Operator, seed: number): { node: Node; draw: Draw } {
  for (let attempt = 0; attempt < 20; attempt++) {
    for (const dtype of ["F32", "I32", "BOOL"] as const) {
      const draw = new Draw(seed + 100 * attempt, false);
      try {
        const node = operatorCases[operator](draw, dtype);
        if (!inOrder([node]).some((each) => unfit.has(each.dtype) && each.operator !== "argmax"))
          return { node, draw };
      } catch (error) {
        if (!(error instanceof FacetError && error.code === "shape-mismatch")) throw error;
      }
    }
  }
  throw new Error(`${operator} takes no type that was tried`);
}

async function worstError(operator: Operator, round: number): Promise<number> {
  const { node, draw } = drawn(operator, round * 10_000 + operators.indexOf(operator));
  await using session = await openSession(graphOf({ result: node }), options);
  const { tensors, reference } = draw.feeds(0);
  const { result } = await session.run(tensors);
  const [expected] = evaluate([node], reference);
  if (result === undefined || expected === undefined) throw new Error("no result");
  expect(result.shape).toEqual(expected.shape);
  return toFloat64(result.values).reduce((worst, value, index) => {
    const wanted = expected.values[index] ?? Number.NaN;
    const error = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
    return Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }, 0);
}

describe.each(operators)("%s", (operator) => {
  it("gives on the GPU what the evaluator gives", async () => {
    for (let round = 0; round < rounds; round++) {
      const error = await worstError(operator, round);
      expect(error, `round ${round}`).toBeLessThan(tolerances[operator] ?? tolerance);
    }
  });
});

it.each(Object.entries(lacking))("lacks %s, and says so", async (_, make) => {
  const graph = graphOf({ result: make() });
  await expect(openSession(graph, options)).rejects.toThrow(/fallback to CPU/);
});
