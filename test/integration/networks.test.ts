/** The four networks through ONNX Runtime, against what torch computed in float64. */
import { describe, expect, test } from "vitest";
import { gradients } from "../../src-main/core/autodiff/gradients.ts";
import { graphOf } from "../../src-main/core/graph/node.ts";
import { printGraph } from "../../src-main/core/graph/print.ts";
import { shareCommon } from "../../src-main/core/graph/share.ts";
import { verifyGraph } from "../../src-main/core/graph/verify.ts";
import { trainingStep } from "../../src-main/core/optim/training-step.ts";
import { openSession, type Tensor } from "../../src-main/engine/session.ts";
import { networks } from "../support/networks/index.ts";
import { trained } from "../support/networks/network.ts";
import {
  reference,
  references,
  referencesOf,
  relativeError,
  storedData,
} from "../support/networks/references.ts";
import { runGraph } from "../support/run-graph.ts";

const limit = 1e-4;

/** Of how far ten steps moved a parameter, which is little beside the parameter. */
const movedLimit = 1e-3;

/** Names whose error is not under the limit, with it: all of them in one failure. */
function errors(
  pairs: readonly (readonly [string, Tensor | undefined, Tensor])[],
  most = limit,
): string[] {
  return pairs.flatMap(([name, found, expected]) => {
    const error = found === undefined ? Number.NaN : relativeError(found, expected);
    return error < most ? [] : [`${name}: ${error}`];
  });
}

describe.each(Object.entries(networks))("%s", (name, make) => {
  const network = make("tiny");
  const { parameters, forward, loss } = trained(network);
  const stored = references(name);
  const data = storedData(stored, network);
  const first = Object.fromEntries(
    referencesOf(stored, "parameter").map(([path, tensor]) => [`parameter:${path}`, tensor]),
  );

  test("asks for the parameters of the torch module, in its shapes", () => {
    const asked = Array.from(parameters, ([path, { shape }]) => `${path} [${shape.join()}]`);
    const torch = referencesOf(stored, "parameter").map(
      ([path, { shape }]) => `${path} [${shape.join()}]`,
    );
    expect(asked.toSorted()).toEqual(torch.toSorted());
  });

  test("prints as before", async () => {
    const graph = shareCommon(graphOf({ forward, loss }));
    verifyGraph(graph);
    await expect(`${printGraph(graph)}\n`).toMatchFileSnapshot(`../fixtures/networks/${name}.txt`);
  });

  test("has torch's values, loss and every gradient", async () => {
    const paths = [...parameters.keys()];
    const slopes = gradients(
      loss,
      Array.from(parameters.values(), ({ node }) => node),
    );
    const named = Object.fromEntries(paths.map((path, index) => [path, slopes[index] ?? loss]));
    const graph = graphOf({ forward, loss, ...named });
    verifyGraph(graph);
    const found = await runGraph(graph, { ...first, ...data });
    expect(
      errors([
        ["forward", found["forward"], reference(stored, "forward")],
        [
          "loss",
          { shape: [], values: found["loss"]?.values ?? new Float32Array() },
          reference(stored, "loss"),
        ],
        ...paths.map((path) => [path, found[path], reference(stored, `gradient:${path}`)] as const),
      ]),
    ).toEqual([]);
  });

  test("takes torch's ten steps of AdamW", async () => {
    const { graph, state } = trainingStep({
      loss,
      parameters,
      optimiser: { kind: "adamw", weightDecay: 0.01 },
      schedule: { rate: 1e-3 },
    });
    verifyGraph(graph);
    await using session = await openSession(graph, { provider: "cpu", threads: 1 });
    let values: Record<string, Tensor> = Object.fromEntries(
      state.map(({ name: entry, shape, initial }) => {
        const given = first[entry];
        if (initial === "given" && given !== undefined) return [entry, given];
        return [entry, { shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) }];
      }),
    );
    const losses: number[] = [];
    for (let step = 1; step <= 10; step++) {
      const feeds = Object.fromEntries(state.map(({ name: entry }) => [entry, values[entry]]));
      values = await session.run({
        ...(feeds as Record<string, Tensor>),
        ...data,
        step: { shape: [], values: Float32Array.of(step) },
      });
      losses.push(Number(values["loss"]?.values[0]));
    }
    const final = referencesOf(stored, "final").map(
      ([path, tensor]) => [path, values[`parameter:${path}`], tensor] as const,
    );
    expect(
      errors([
        ["losses", { shape: [10], values: Float32Array.from(losses) }, reference(stored, "losses")],
        ...final,
      ]),
    ).toEqual([]);
    expect(
      errors(
        final.map(([path, found, expected]) => {
          const start = reference(stored, `parameter:${path}`);
          return [path, found && difference(found, start), difference(expected, start)] as const;
        }),
        movedLimit,
      ),
    ).toEqual([]);
  });
});

function difference({ shape, values }: Tensor, start: Tensor): Tensor {
  const moved = new Float32Array(values.length);
  moved.forEach((_, index) => {
    moved[index] = Number(values[index]) - Number(start.values[index]);
  });
  return { shape, values: moved };
}
