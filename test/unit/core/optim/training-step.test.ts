/** Training steps in float64 against torch's optimisers, clipping, schedules and averages on the same gradients. */
import { describe, expect, test } from "vitest";
import { add, input, multiply, reshape, sum } from "../../../../src-main/core/graph/build/index.ts";
import { ones, trainedParameters } from "../../../../src-main/core/graph/layers/index.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { rateAt, type Schedule } from "../../../../src-main/core/optim/schedules.ts";
import {
  trainingStep,
  type TrainingStepOptions,
} from "../../../../src-main/core/optim/training-step.ts";
import { evaluate } from "../../../support/evaluate/evaluate.ts";
import { type Tensor64, tensor64 } from "../../../support/evaluate/tensor.ts";
import { reference, references, relativeError } from "../../../support/networks/references.ts";

const stored = references("optimisers");
const names = ["matrix", "row"];
const steps = 12;
/** The references are rounded to float32. */
const limit = 3e-7;

const adamw = { kind: "adamw", weightDecay: 0.1 } as const;
const flat: Schedule = { rate: 0.02 };

type Options = Omit<TrainingStepOptions, "loss" | "parameters">;

/** A loss whose gradients are the inputs `slope:<name>`. */
function stepOf(options: Options) {
  const { parameters, trained } = trainedParameters();
  const parts = names.map((name) => {
    const { shape } = reference(stored, `parameter:${name}`);
    const slope = input(`slope:${name}`, shape);
    return reshape(sum(multiply(parameters(name, shape, ones), slope)), []);
  });
  const loss = parts.reduce((total, part) => add(total, part));
  const step = trainingStep({ ...options, loss, parameters: trained });
  verifyGraph(step.graph);
  return step;
}

/** The stored gradient of one step. */
function slopeOf(name: string, step: number): Float32Array {
  const { values } = reference(stored, `gradient:${name}`);
  const size = values.length / steps;
  return values.slice((step - 1) * size, step * size);
}

/** The values behind each of the steps; `slope` may give other gradients than the stored ones. */
function run(options: Options, slope = slopeOf) {
  const { graph, state } = stepOf(options);
  let values = new Map<string, Tensor64>(
    state.map(({ name, shape, initial }) => [
      name,
      initial === "given"
        ? tensor64(shape, reference(stored, name).values)
        : tensor64(shape, new Float64Array(shape.reduce((a, b) => a * b, 1))),
    ]),
  );
  return Array.from({ length: steps }, (_, index) => {
    const feeds: Record<string, Tensor64> = { step: tensor64([], [index + 1]) };
    for (const { name } of state) feeds[name] = values.get(name) ?? tensor64([0], []);
    for (const name of names) {
      const { shape } = reference(stored, `parameter:${name}`);
      feeds[`slope:${name}`] = tensor64(shape, slope(name, index + 1));
    }
    const results = evaluate([...graph.outputs.values()], feeds);
    values = new Map(
      Array.from(graph.outputs.keys(), (name, at) => [name, results[at] ?? tensor64([0], [])]),
    );
    return values;
  });
}

function compare(
  found: ReadonlyMap<string, Tensor64> | undefined,
  label: string,
  kind = "parameter",
): void {
  for (const name of names) {
    const own = found?.get(`${kind}:${name}`);
    const { shape, values } = reference(stored, `${label}:${name}`);
    const single = { shape: own?.shape ?? [], values: Float32Array.from(own?.values ?? []) };
    expect(relativeError(single, { shape, values }), name).toBeLessThan(limit);
  }
}

const scheduled: readonly (readonly [string, Schedule])[] = [
  ["adamw-warm", { rate: 0.02, warmUp: 4 }],
  ["adamw-cosine", { rate: 0.02, warmUp: 4, cosine: { steps: 6, floor: 0.002 } }],
];

describe("as torch", () => {
  // Each by itself, one by itself, both as one vector.
  test.each([4, 5, 12])("AdamW, with parameters up to %d together", (small) => {
    compare(run({ optimiser: adamw, schedule: flat, small }).at(-1), "adamw");
  });

  test("SGD with momentum", () =>
    compare(run({ optimiser: { kind: "sgd" }, schedule: { rate: 0.05 } }).at(-1), "sgd"));

  test("SGD with Nesterov's momentum and decay", () => {
    const optimiser = { kind: "sgd", momentum: 0.8, nesterov: true, weightDecay: 0.1 } as const;
    compare(run({ optimiser, schedule: { rate: 0.05 } }).at(-1), "sgd-nesterov");
  });

  test("clipping by the global norm", () => {
    const found = run({ optimiser: adamw, schedule: flat, clip: 2 });
    compare(found.at(-1), "adamw-clipped");
    const norms = found.map((values) => values.get("gradient-norm")?.values[0] ?? 0);
    const expected = [...reference(stored, "adamw-clipped:norms").values];
    // Neither all nor none of the steps were clipped.
    expect(expected.some((norm) => norm < 2) && expected.some((norm) => norm > 2)).toBe(true);
    norms.forEach((norm, index) => expect(norm / (expected[index] ?? 0)).toBeCloseTo(1, 6));
  });

  test.each(scheduled)("%s", (label, schedule) => {
    const found = run({ optimiser: adamw, schedule });
    compare(found.at(-1), label);
    const rates = reference(stored, `${label}:rates`).values;
    rates.forEach((rate, index) =>
      expect(rateAt(schedule, index + 1) / rate, `step ${index + 1}`).toBeCloseTo(1, 6),
    );
  });

  test("a moving average of the parameters", () => {
    const found = run({ optimiser: adamw, schedule: flat, ema: 0.9 });
    compare(found.at(-1), "adamw-averaged");
    compare(found.at(-1), "adamw-averaged:average", "average");
  });

  test("gradients accumulated over three steps", () => {
    const found = run({ optimiser: adamw, schedule: flat, accumulate: 3 });
    compare(found.at(-1), "adamw-window");
    const matrices = found.map((values) => values.get("parameter:matrix")?.values.join());
    // Parameters move in every third step only.
    expect(matrices.filter((each, index) => each !== matrices[index - 1])).toHaveLength(5);
    expect(matrices[0]).toBe(matrices[1]);
    expect(matrices[1]).not.toBe(matrices[2]);
  });
});

describe("loss scaling", () => {
  const lossScaling = { exponent: 8, growAfter: 4 };
  const scaled = { optimiser: adamw, schedule: flat, lossScaling };
  const doublings = (values: ReadonlyMap<string, Tensor64>) =>
    values.get("loss-doublings")?.values[0];

  test("changes nothing where all gradients are finite, and grows", () => {
    const found = run(scaled);
    compare(found.at(-1), "adamw");
    expect(found.map(doublings)).toEqual([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "a gradient of %d skips the step and halves the scale",
    (bad) => {
      const found = run({ ...scaled, ema: 0.9 }, (name, step) =>
        step === 5 ? slopeOf(name, step).with(1, bad) : slopeOf(name, step),
      );
      const [before, skipped] = [found[3], found[4]];
      for (const name of ["parameter:row", "first:(small)", "average:row", "updates"])
        expect(skipped?.get(name), name).toEqual(before?.get(name));
      expect(found.map(doublings)).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
      expect(found.at(-1)?.get("updates")?.values[0]).toBe(steps - 1);
    },
  );

  test("a skipped step is as if it had never been", () => {
    const nothing = (name: string) => slopeOf(name, 1).fill(Number.NaN);
    const first = run(scaled, (name, step) => (step === 1 ? nothing(name) : slopeOf(name, step)));
    const last = run(scaled, (name, step) =>
      step === steps ? nothing(name) : slopeOf(name, step + 1),
    );
    for (const name of ["parameter:matrix", "parameter:row", "updates"])
      expect(first.at(-1)?.get(name), name).toEqual(last.at(-1)?.get(name));
  });

  test("a bad gradient in a window drops the whole window", () => {
    const found = run({ ...scaled, accumulate: 3 }, (name, step) =>
      step === 4 ? slopeOf(name, step).with(0, Number.NaN) : slopeOf(name, step),
    );
    const rows = found.map((values) => values.get("parameter:row"));
    expect(rows[5]).toEqual(rows[2]);
    expect(rows[8]).not.toEqual(rows[5]);
    expect(found.at(-1)?.get("updates")?.values[0]).toBe(3);
    expect(found[5]?.get("sum:(small)")?.values.every((value) => value === 0)).toBe(true);
  });
});

test("every parameter, and all that is kept for it, is state", () => {
  const told = (small: number) => {
    const plain = { optimiser: adamw, schedule: flat, ema: 0.9, gradientNorm: false, small };
    const { graph, state } = stepOf(plain);
    expect([...graph.outputs.keys()].toSorted()).toEqual(
      ["loss", ...state.map(({ name }) => name)].toSorted(),
    );
    return state.map(({ name, shape }) => `${name} [${shape.join()}]`).toSorted();
  };
  const own = ["average:matrix [3,4]", "average:row [5]"];
  const parameters = ["parameter:matrix [3,4]", "parameter:row [5]"];
  const [first, second] = ["first", "second"].map((kind) => [
    `${kind}:matrix [3,4]`,
    `${kind}:row [5]`,
  ]);
  expect(told(4)).toEqual([...own, ...(first ?? []), ...parameters, ...(second ?? [])]);
  expect(told(12)).toEqual([...own, "first:(small) [17]", ...parameters, "second:(small) [17]"]);
});
