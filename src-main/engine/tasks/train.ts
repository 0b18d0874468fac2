/** Trains: steps in turn with everything else that this engine is asked, checkpoints, and an end at the first value that is no number. */
import { createHash } from "node:crypto";
import type { TrainingReport } from "../../../src-preload/contract/engine.ts";
import type { Trainable } from "../../../src-preload/contract/training.ts";
import { assert, FacetError } from "../../core/errors.ts";
import type { MemoryEstimate } from "../../core/graph/memory.ts";
import { printGraph } from "../../core/graph/print.ts";
import type { ProviderName } from "../../core/onnx/target.ts";
import { LossCurve } from "../../core/training/curve.ts";
import { planOf } from "../../core/training/trainable.ts";
import { estimateText, isMemoryError, sizeText } from "../machine-memory.ts";
import type { Sessions } from "../sessions.ts";
import {
  differences,
  readCheckpoint,
  readRecord,
  thisMachine,
  type TrainingRecord,
  writeCheckpoint,
} from "./training-checkpoint.ts";
import { type StepOutcome, TrainingState } from "./training-state.ts";

export interface TrainTask {
  readonly id: string;
  readonly trainable: Trainable;
  readonly seed: number;
  readonly steps: number;
  readonly checkpoint: { readonly path: string; readonly seconds: number };
  readonly provider?: ProviderName | undefined;
  readonly fallback: boolean;
}

export interface TrainingReports {
  put(report: TrainingReport): void;
  keep(report: TrainingReport): void;
}

/** What was asked of a running training: to end with a checkpoint, or without one. */
interface Asked {
  stop: "save" | "leave" | null;
}

const tellMs = 100;

export class Trainings {
  readonly #sessions: Sessions;
  readonly #running = new Map<string, Asked>();

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** @returns False where no such training runs. */
  stop(id: string, save: boolean): boolean {
    const running = this.#running.get(id);
    if (running !== undefined) running.stop = save ? "save" : "leave";
    return running !== undefined;
  }

  async train(
    task: TrainTask,
    reports: TrainingReports,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    assert(!this.#running.has(task.id), `the training ${task.id} runs once`);
    const asked: Asked = { stop: null };
    this.#running.set(task.id, asked);
    try {
      await run(task, this.#sessions, reports, asked, signal);
    } finally {
      this.#running.delete(task.id);
    }
  }
}

async function run(
  task: TrainTask,
  sessions: Sessions,
  reports: TrainingReports,
  asked: Readonly<Asked>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const plan = planOf(task.trainable);
  const graph = createHash("sha256").update(printGraph(plan.graph)).digest("hex");
  const before = usableRecord(task, graph);
  await using opened = await sessions.openAlone(plan.graph, {
    what: "This training",
    // To the same bits leads only the same provider with the same number of threads.
    provider: before?.machine.provider ?? task.provider,
    threads: before?.machine.threads,
    fallback: task.fallback,
  });
  const { session, provider, threads, passedOver, estimate } = opened;
  const state = new TrainingState(plan, session);
  const machine = thisMachine(provider, threads, sessions.version);
  if (before === null) state.begin(task.seed);
  else readCheckpoint(task.checkpoint.path, state);
  const curve = new LossCurve(before?.curve);
  reports.keep({
    kind: "started",
    step: before?.step ?? 0,
    provider,
    passedOver: [...passedOver],
    inexact: before === null ? [] : differences(before.machine, machine),
    memory: estimateText(estimate),
  });

  const pace = new Pace();
  let saved = { step: before?.step ?? 0, at: performance.now() };
  let told = 0;
  let last: StepOutcome | null = null;
  const save = (step: number) => {
    refuseSpoilt(state, step, task, saved.step);
    const { every, points, open } = curve.state;
    const record = {
      version: 1 as const,
      trainable: task.trainable,
      graph,
      step,
      random: { seed: task.seed, next: step + 1 },
      machine,
      curve: { every, points: [...points], open },
    };
    const { sha256, bytes } = writeCheckpoint(task.checkpoint.path, record, state);
    saved = { step, at: performance.now() };
    reports.keep({ kind: "saved", step, curve: [...points], fingerprint: sha256, bytes });
  };

  for (let step = saved.step + 1; step <= task.steps; step++) {
    const before = last;
    last = await state.step(task.seed, step).catch((error: unknown) => {
      throw isMemoryError(error) ? ranOut(error, step, task, estimate) : error;
    });
    // A run cannot be stopped; behind each this is asked.
    if (signal?.aborted === true) throw new FacetError("cancelled", "The training was cancelled.");
    refuseNonsense(last, before, step, task, saved.step);
    const point = { step, rate: plan.rate(step), ...last };
    curve.add(point);
    pace.count();
    const now = performance.now();
    if (now - told >= tellMs) {
      told = now;
      reports.put({ kind: "progress", ...point, stepsPerSecond: pace.perSecond });
    }
    const due = now - saved.at >= task.checkpoint.seconds * 1000;
    if (asked.stop === "save" || (due && asked.stop === null)) save(step);
    if (asked.stop === "leave" || (asked.stop === "save" && step < task.steps)) {
      reports.keep({ kind: "ended", reason: "stopped", step, loss: last.loss });
      return;
    }
  }
  if (saved.step < task.steps) save(task.steps);
  reports.keep({ kind: "ended", reason: "done", step: task.steps, loss: last?.loss ?? null });
}

/** The checkpoint's record, if one is there and it is this training's. */
function usableRecord(task: TrainTask, graph: string): TrainingRecord | null {
  const { path } = task.checkpoint;
  const record = readRecord(path);
  if (record === null) return null;
  const other = [
    ["seed", record.random.seed, task.seed],
    ["graph", record.graph, graph],
    ["trainable", JSON.stringify(record.trainable), JSON.stringify(task.trainable)],
  ].find(([, found, wanted]) => found !== wanted);
  if (other === undefined) return record;
  const [field, found, wanted] = other.map(String);
  throw new FacetError(
    "fingerprint-mismatch",
    `${path} is the checkpoint of another training: its ${field ?? ""} is ${found ?? ""}, not ${wanted ?? ""}.`,
    { path, field },
  );
}

function refuseNonsense(
  { loss, gradientNorm }: StepOutcome,
  before: StepOutcome | null,
  step: number,
  task: TrainTask,
  saved: number,
): void {
  if (Number.isFinite(loss)) return;
  const norm = gradientNorm === null ? "" : `, the gradient's norm ${String(gradientNorm)}`;
  const history =
    before === null ? "" : ` One step earlier the loss was ${before.loss.toPrecision(4)}.`;
  throw new FacetError(
    "not-finite",
    `The loss is ${String(loss)} at step ${String(step)} of ${String(task.steps)}${norm}; the training was stopped there.${history} ${keptText(saved)} Try a lower learning rate.`,
    { field: "loss", ...(saved === 0 ? {} : { path: task.checkpoint.path }) },
  );
}

/** A checkpoint from which no step could go on does not take the place of a good one. */
function refuseSpoilt(state: TrainingState, step: number, task: TrainTask, saved: number): void {
  const found = state.notFinite();
  if (found === null) return;
  throw new FacetError(
    "not-finite",
    `After step ${String(step)} of ${String(task.steps)}, ${found.name} holds ${String(found.value)} at place ${String(found.at)}; the training was stopped there. ${keptText(saved)} Try a lower learning rate.`,
    { field: found.name, ...(saved === 0 ? {} : { path: task.checkpoint.path }) },
  );
}

function ranOut(cause: unknown, step: number, task: TrainTask, estimate: MemoryEstimate) {
  return new FacetError(
    "out-of-memory",
    `Memory ran out at step ${String(step)} of ${String(task.steps)}. The training was estimated to need ${sizeText(estimate.total)}: ${estimateText(estimate)}. Make it smaller, or close other programs.`,
    { cause },
  );
}

function keptText(saved: number): string {
  return saved === 0
    ? "There is no checkpoint before it."
    : `The checkpoint of step ${String(saved)} is kept.`;
}

/** Steps per second over the last few seconds. */
class Pace {
  #since = performance.now();
  #steps = 0;
  #latest = 0;

  count(): void {
    this.#steps += 1;
    const seconds = (performance.now() - this.#since) / 1000;
    this.#latest = this.#steps / Math.max(seconds, 1e-6);
    if (seconds < 3) return;
    this.#since = performance.now();
    this.#steps = 0;
  }

  get perSecond(): number {
    return this.#latest;
  }
}
