/** One step of training as one graph: state and data in, the next state and what is told of the step out. */
import { gradients, type Segment } from "../autodiff/gradients.ts";
import { input, multiply } from "../graph/build/index.ts";
import type { Trained } from "../graph/layers/parameters.ts";
import { type Graph, graphOf, type Node } from "../graph/node.ts";
import { shareCommon } from "../graph/share.ts";
import { ema } from "./ema.ts";
import { grouped } from "./groups.ts";
import { lossScale } from "./loss-scaling.ts";
import { type Optimiser, updated, updateNumber } from "./optimiser.ts";
import { type Schedule, scheduledRate } from "./schedules.ts";
import { State, type StateEntry } from "./state.ts";
import { treated, type TreatmentOptions } from "./treatment.ts";

export interface TrainingStepOptions extends TreatmentOptions {
  /** One number. */
  readonly loss: Node;
  /** By name, as `trainedParameters` collects them. */
  readonly parameters: ReadonlyMap<string, Trained>;
  readonly optimiser: Optimiser;
  readonly schedule: Schedule;
  /** Decay of a moving average of the parameters, `average:<name>`. */
  readonly ema?: number;
  /** Elements up to which parameters share their state and are updated as one vector. */
  readonly small?: number;
  /** Further outputs. */
  readonly metrics?: Readonly<Record<string, Node>>;
  /** Parts that the backward pass computes again. */
  readonly segments?: readonly Segment[];
}

export interface TrainingStep {
  /** Inputs: state, `step` (F32, from 1) and the network's data. Outputs: state, `loss`, `gradient-norm`, metrics. */
  readonly graph: Graph;
  readonly state: readonly StateEntry[];
}

export function trainingStep(options: TrainingStepOptions): TrainingStep {
  const { loss, parameters, lossScaling, metrics = {} } = options;
  const state = new State();
  const entries = Array.from(parameters, ([name, trained]) => ({ name, ...trained }));
  for (const { name, shape } of entries) state.given(`parameter:${name}`, shape);

  const scale = lossScaling && {
    doublings: state.zeros("loss-doublings"),
    good: state.zeros("loss-good"),
  };
  const slopes = gradients(
    scale ? multiply(loss, lossScale(scale, lossScaling)) : loss,
    entries.map(({ node }) => node),
    options.segments ? { segments: options.segments } : {},
  ).flatMap((gradient, index) => {
    const entry = entries[index];
    return entry ? { name: entry.name, shape: entry.shape, parameter: entry.node, gradient } : [];
  });
  const groups = grouped(slopes, options.small);
  const { gradients: steps, norm, apply } = treated(groups, options, scale, state);

  const number = updateNumber(input("step", []), apply, state);
  const update = { number, rate: scheduledRate(options.schedule, number), apply };
  const next = new Map(
    groups.flatMap(({ parts, ...group }, index) => {
      const gradient = steps[index] ?? group.gradient;
      return parts(updated(options.optimiser, update, state, { ...group, gradient }));
    }),
  );
  for (const { name, shape } of entries) {
    const value = next.get(name);
    if (value === undefined) continue;
    state.next.set(`parameter:${name}`, value);
    if (options.ema !== undefined) {
      const average = state.zeros(`average:${name}`, shape);
      const when = { decay: options.ema, ...(apply && { apply }) };
      state.next.set(`average:${name}`, ema(average, value, number, when));
    }
  }
  const told = { loss, ...(norm && { "gradient-norm": norm }), ...metrics };
  const outputs = { ...Object.fromEntries(state.next), ...told };
  return { graph: shareCommon(graphOf(outputs)), state: state.entries };
}
