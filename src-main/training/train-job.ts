/** The job that trains: it follows the engine's reports, goes on from the checkpoint when the engine ended, and keeps the curve. */
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { TrainingReport } from "../../src-preload/contract/engine.ts";
import { CurvePoint, type TrainRequest, TrainResult } from "../../src-preload/contract/training.ts";
import { FacetError, missingCase } from "../core/errors.ts";
import type { EngineClient } from "../engine/client.ts";
import type { JobContext } from "../jobs/jobs.ts";

/** What of the engine's contract a training needs. */
export interface TrainingEngine {
  train(task: Parameters<EngineClient["train"]>[0]): Promise<AsyncIterable<TrainingReport>>;
  stopTraining(which: Parameters<EngineClient["stopTraining"]>[0]): Promise<unknown>;
}

/** What the job's row keeps between two runs of it; the numbers themselves are in the checkpoint's file. */
export const TrainState = z.object({
  saved: z.int(),
  curve: z.array(CurvePoint),
  fingerprint: z.string(),
  restarts: TrainResult.shape.restarts,
  passedOver: TrainResult.shape.passedOver,
  inexact: z.array(z.string()),
});
type TrainState = z.infer<typeof TrainState>;

/** An engine that ends again and again at the same place is not started for ever. */
const endsWithoutProgress = 3;

export async function train(
  context: JobContext,
  request: z.output<typeof TrainRequest>,
  engine: TrainingEngine,
  path: string,
): Promise<TrainResult> {
  const follower = new Follower(context, request);
  let ends = 0;
  for (;;) {
    const savedBefore = follower.state.saved;
    try {
      await context.paused();
      const reason = await follow(follower, engine, path);
      if (reason === "stopped" && !cancelled(context)) continue;
      rmSync(dirname(path), { recursive: true, force: true });
      return follower.result();
    } catch (error) {
      if (cancelled(context)) {
        rmSync(dirname(path), { recursive: true, force: true });
        return follower.result();
      }
      if (!(error instanceof FacetError) || error.code !== "engine-unavailable") throw error;
      ends = follower.state.saved > savedBefore ? 1 : ends + 1;
      if (context.signal.aborted || ends >= endsWithoutProgress) throw error;
      follower.restarted(error.message);
    }
  }
}

/** One call of the engine, from its start or the checkpoint to the end, a pause, or the engine's own end. */
async function follow(
  follower: Follower,
  engine: TrainingEngine,
  path: string,
): Promise<"done" | "stopped"> {
  const { context, request } = follower;
  const { id, signal } = context;
  const { checkpointSeconds, ...rest } = request;
  // A step cannot be broken off. What it made is kept where Facet is closed, and not where the job is cancelled. An
  // engine that has ended meanwhile says so to who waits for its reports.
  const stop = () =>
    void engine.stopTraining({ id, save: !cancelled(context) }).catch(() => undefined);
  signal.throwIfAborted();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const checkpoint = { path, seconds: checkpointSeconds };
    const reports = await engine.train({ id, ...rest, checkpoint });
    // What was asked before the engine knew of the training went past it.
    if (signal.aborted) stop();
    for await (const report of reports) {
      if (report.kind === "ended") {
        follower.ended(report);
        return report.reason;
      }
      follower.hear(report);
      if (context.pausing) await engine.stopTraining({ id, save: true });
      else if (signal.aborted) stop();
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
  throw new FacetError("engine-unavailable", "The engine ended before the training was done.");
}

/** What is known of the training in main. */
class Follower {
  readonly context: JobContext;
  readonly request: z.output<typeof TrainRequest>;
  #state: TrainState;
  #step = 0;
  #loss: number | null = null;
  #provider: TrainResult["provider"] = "cpu";

  constructor(context: JobContext, request: z.output<typeof TrainRequest>) {
    this.context = context;
    this.request = request;
    const before = TrainState.safeParse(context.state);
    this.#state = before.success
      ? before.data
      : { saved: 0, curve: [], fingerprint: "", restarts: [], passedOver: [], inexact: [] };
    this.#step = this.#state.saved;
  }

  get state(): TrainState {
    return this.#state;
  }

  hear(report: Exclude<TrainingReport, { kind: "ended" }>): void {
    switch (report.kind) {
      case "started":
        this.#provider = report.provider;
        this.#step = report.step;
        this.#keep({
          saved: report.step,
          // Who goes on takes the checkpoint's provider and passes over none.
          passedOver: report.passedOver.length > 0 ? report.passedOver : this.#state.passedOver,
          inexact: [...new Set([...this.#state.inexact, ...report.inexact])],
        });
        this.context.progress({
          done: report.step,
          total: this.request.steps,
          unit: "steps",
          step: `On ${report.provider}${report.passedOver.map((one) => `, not on ${one.provider} (${one.reason})`).join("")}`,
        });
        return;
      case "progress": {
        this.#step = report.step;
        this.#loss = report.loss;
        const pace = report.stepsPerSecond;
        this.context.progress({
          done: report.step,
          step: `Loss ${report.loss.toPrecision(4)}, ${pace >= 10 ? pace.toFixed(0) : pace.toPrecision(2)} steps a second`,
        });
        return;
      }
      case "saved":
        this.#step = report.step;
        this.#keep({ saved: report.step, curve: report.curve, fingerprint: report.fingerprint });
        return;
      default:
        missingCase(report);
    }
  }

  ended({ step, loss }: Extract<TrainingReport, { kind: "ended" }>): void {
    this.#step = step;
    this.#loss = loss ?? this.#loss;
    this.context.progress({ done: step });
  }

  /** The engine has ended; the next call goes on from the last checkpoint. */
  restarted(reason: string): void {
    const { saved, restarts } = this.#state;
    this.#keep({ restarts: [...restarts, { from: saved, lost: this.#step - saved, reason }] });
    this.context.progress({ step: "Starting the engine again" });
  }

  result(): TrainResult {
    const { fingerprint, restarts, passedOver, inexact, curve } = this.#state;
    return {
      steps: this.#step,
      loss: this.#loss ?? curve.at(-1)?.loss ?? null,
      provider: this.#provider,
      passedOver,
      fingerprint: fingerprint === "" ? null : fingerprint,
      restarts,
      inexact,
      curve,
    };
  }

  #keep(change: Partial<TrainState>): void {
    this.#state = { ...this.#state, ...change };
    this.context.checkpoint(this.#state);
  }
}

function cancelled({ signal }: JobContext): boolean {
  const reason: unknown = signal.reason;
  return signal.aborted && reason instanceof FacetError && reason.code === "cancelled";
}
