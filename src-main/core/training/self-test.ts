/** A training of seconds that needs no data: a small network learns a fixed, crooked function of random points. */
import { gelu, input, mean, reshape, square, subtract } from "../graph/build/index.ts";
import { initialValues } from "../graph/layers/initial.ts";
import { linear } from "../graph/layers/linear.ts";
import { trainedParameters, within } from "../graph/layers/parameters.ts";
import { rateAt, type Schedule } from "../optim/schedules.ts";
import { trainingStep } from "../optim/training-step.ts";
import { forkedRandom } from "../tensor/random.ts";
import { numbersOf, type TrainingPlan } from "./plan.ts";

export interface SelfTest {
  readonly kind: "self-test";
  /** Of both hidden layers. */
  readonly width: number;
  readonly batch: number;
  readonly rate: number;
  /** A step whose data hold a value that is no number: what happens then is tested as well. */
  readonly spoilAt?: number | undefined;
}

const inputs = 8;

export function selfTestPlan({ width, batch, rate, spoilAt }: SelfTest): TrainingPlan {
  const { parameters, trained } = trainedParameters();
  const points = input("points", [batch, inputs]);
  const wanted = input("wanted", [batch, 1]);
  const first = gelu(linear(within(parameters, "first"), points, width));
  const second = gelu(linear(within(parameters, "second"), first, width));
  const given = linear(within(parameters, "last"), second, 1);
  const schedule: Schedule = { rate, warmUp: 10 };
  const { graph, state } = trainingStep({
    loss: reshape(mean(square(subtract(given, wanted))), []),
    parameters: trained,
    optimiser: { kind: "adamw" },
    schedule,
    gradientNorm: true,
  });
  return {
    graph,
    state,
    data: [
      { name: "points", shape: [batch, inputs], dtype: "F32" },
      { name: "wanted", shape: [batch, 1], dtype: "F32" },
    ],
    initial(seed) {
      // Stream 0; the steps have those from 1 on.
      const random = forkedRandom(seed, 0);
      return new Map(
        Array.from(trained, ([name, { initial, shape }]) => [
          `parameter:${name}`,
          initialValues(initial, shape, random),
        ]),
      );
    },
    fill(seed, step, into) {
      const random = forkedRandom(seed, step);
      const [at, to] = [numbersOf(into, "points"), numbersOf(into, "wanted")];
      random.fillNormal(at);
      for (let row = 0; row < batch; row++) to[row] = crooked(at.subarray(row * inputs));
      if (step === spoilAt) to[0] = Number.NaN;
    },
    rate: (step) => rateAt(schedule, step),
  };
}

/** Products and a fold, nothing that two machines would round differently. */
function crooked(point: Float32Array): number {
  const at = (index: number) => point[index] ?? 0;
  return at(0) * at(1) + Math.abs(at(2) - at(3)) - 0.5 * at(4) * at(4) + at(5);
}
