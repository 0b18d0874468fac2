/** Trainings as jobs: through the end of an engine, pauses and a closed studio to the same bits; curves; what is left behind. */
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { compose, type Studio } from "../../src-main/compose.ts";
import { FacetError } from "../../src-main/core/errors.ts";
import { type EngineRole, forkEngine } from "../../src-main/engine/launcher.ts";
import { Jobs } from "../../src-main/jobs/jobs.ts";
import { openDatabase } from "../../src-main/library/open.ts";
import type { TrainingEngine } from "../../src-main/training/train-job.ts";
import { Training } from "../../src-main/training/training.ts";
import type { TrainingReport } from "../../src-preload/contract/engine.ts";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { TrainRequest, TrainResult } from "../../src-preload/contract/training.ts";
import { temporaryFolder } from "../support/library.ts";
import { memoryGroup } from "../support/memory-group.ts";

const steps = 150;

/** Steps of some milliseconds, so that an engine can be met in the middle of one. */
const request = {
  trainable: { kind: "self-test", width: 512, batch: 512, rate: 0.001 },
  steps,
  seed: 5,
  checkpointSeconds: 0.05,
  provider: "cpu",
} as const satisfies TrainRequest;

interface Opened {
  readonly studio: Studio;
  readonly pids: Partial<Record<EngineRole, number>>;
  readonly training: string;
}

async function open(folder: string): Promise<Opened> {
  const pids: Partial<Record<EngineRole, number>> = {};
  const studio = await compose({
    library: folder,
    launch: (role) => {
      const started = forkEngine(role);
      if (started.pid !== undefined) pids[role] = started.pid;
      return started;
    },
  });
  return { studio, pids, training: join(folder, "training") };
}

/** In a library of its own, closed when the test ends. */
async function openFresh(): Promise<Opened> {
  const opened = await open(join(await temporaryFolder(), "library"));
  onTestFinished(() => opened.studio.close());
  return opened;
}

async function until({ client }: Studio, id: string, wanted: (job: Job) => boolean): Promise<Job> {
  for await (const job of await client.jobs.watch()) {
    if (job.id === id && wanted(job)) return job;
  }
  throw new Error("the studio was closed");
}

const ended = (job: Job) => job.finishedAt !== null;

async function result(studio: Studio, id: string): Promise<TrainResult> {
  const job = await until(studio, id, ended);
  expect(job).toMatchObject({ kind: "train", state: "done", failure: null });
  return TrainResult.parse(job.result);
}

describe("a train job", () => {
  let shared: Opened;
  /** The training in one piece. */
  let whole: TrainResult;
  let close: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "facet-train-"));
    shared = await open(folder);
    close = async () => {
      await shared.studio.close();
      await rm(folder, { recursive: true, force: true });
    };
    const { job } = await shared.studio.client.training.start(request);
    whole = await result(shared.studio, job);
  });
  afterAll(() => close?.());

  it("tells its curve, its provider and what it came to, and leaves no file", async () => {
    expect(whole).toMatchObject({
      steps,
      provider: "cpu",
      passedOver: [],
      restarts: [],
      inexact: [],
    });
    expect(whole.curve.map(({ step }) => step)).toEqual(
      Array.from({ length: steps }, (_, index) => index + 1),
    );
    expect(whole.loss).toBe(whole.curve.at(-1)?.loss);
    expect(whole.loss).toBeLessThan(0.7 * (whole.curve[0]?.loss ?? 0));
    const [job] = await shared.studio.client.jobs.list();
    expect(await shared.studio.client.training.curve({ job: job?.id ?? "" })).toEqual(whole.curve);
    expect(readdirSync(shared.training)).toEqual([]);
  });

  it("goes on after its engine was killed in the middle of a step, to the same bits", async () => {
    const { studio, pids } = shared;
    const { job: id } = await studio.client.training.start(request);
    for (const from of [10, 50]) {
      await until(studio, id, (job) => job.done >= from);
      const pid = pids.training ?? 0;
      process.kill(pid, "SIGKILL");
      // The next one has started before it is met in turn.
      await expect.poll(() => pids.training).not.toBe(pid);
    }
    const { restarts, ...rest } = await result(studio, id);
    expect({ ...rest, restarts: [] }).toEqual(whole);
    expect(restarts).toHaveLength(2);
    for (const { from, lost, reason } of restarts) {
      expect(from).toBeGreaterThan(0);
      expect(lost).toBeGreaterThanOrEqual(0);
      // A checkpoint every 50 ms, a step of more than a millisecond.
      expect(lost).toBeLessThan(50);
      expect(reason).toMatch(/killed from outside/);
    }
  });

  it("pauses behind a step, holds no session meanwhile, and goes on to the same bits", async () => {
    const { studio } = shared;
    const { job: id } = await studio.client.training.start(request);
    await until(studio, id, ({ done }) => done >= 5);
    await studio.client.jobs.pause({ id });
    const paused = await until(studio, id, ({ state }) => state === "paused");
    const settled = async () => {
      const before = (await studio.client.jobs.get({ id })).done;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return (await studio.client.jobs.get({ id })).done === before;
    };
    await expect.poll(settled).toBe(true);
    const { done } = await studio.client.jobs.get({ id });
    expect(done).toBeGreaterThanOrEqual(paused.done);
    expect(done).toBeLessThan(steps);
    await studio.client.jobs.resume({ id });
    const { fingerprint, restarts } = await result(studio, id);
    expect(fingerprint).toBe(whole.fingerprint);
    expect(restarts).toEqual([]);
  });

  it("is found interrupted after the studio was closed, and goes on to the same bits", async () => {
    const folder = join(await temporaryFolder(), "library");
    const first = await open(folder);
    const { job: id } = await first.studio.client.training.start(request);
    await until(first.studio, id, ({ done }) => done >= 5);
    await first.studio.close();
    const second = await open(folder);
    onTestFinished(() => second.studio.close());
    const found = await second.studio.client.jobs.get({ id });
    expect(found.state).toBe("interrupted");
    // Closed behind a step that was kept: nothing is lost.
    expect(readdirSync(join(second.training, id))).toEqual(["checkpoint.safetensors"]);
    expect(await second.studio.client.training.curve({ job: id })).toEqual(
      whole.curve.slice(0, found.done),
    );
    await second.studio.client.jobs.resume({ id });
    const again = await result(second.studio, id);
    expect(again.fingerprint).toBe(whole.fingerprint);
    expect(again.curve).toEqual(whole.curve);
  });

  it("is cancelled with what it came to, and leaves no file", async () => {
    const { studio, training } = shared;
    const { job: id } = await studio.client.training.start({ ...request, steps: 100_000 });
    await until(studio, id, ({ done }) => done >= 5);
    await studio.client.jobs.cancel({ id });
    const job = await until(studio, id, ended);
    expect(job.state).toBe("cancelled");
    const { steps: made, curve } = TrainResult.parse(job.result);
    expect(made).toBeGreaterThanOrEqual(5);
    expect(curve).toEqual(whole.curve.slice(0, curve.length));
    expect(readdirSync(training)).toEqual([]);
  });

  it("fails at the first loss that is no number, and keeps checkpoint and curve before it", async () => {
    const { studio, training } = shared;
    const { job: id } = await studio.client.training.start({
      ...request,
      trainable: { ...request.trainable, spoilAt: 21 },
      checkpointSeconds: 0,
    });
    const job = await until(studio, id, ended);
    expect(job).toMatchObject({ state: "failed", failure: { code: "not-finite" } });
    expect(job.failure?.message).toMatch(/NaN at step 21 of 150.*checkpoint of step 20 is kept/);
    expect(readdirSync(join(training, id))).toEqual(["checkpoint.safetensors"]);
    expect(await studio.client.training.curve({ job: id })).toEqual(whole.curve.slice(0, 20));
  });

  it("is told by the doctor with its engine, and cannot be what nothing has memory for", async () => {
    const { studio } = shared;
    const { job: id } = await studio.client.training.start({
      ...request,
      trainable: { kind: "self-test", width: 2 ** 21 },
    });
    const job = await until(studio, id, ended);
    expect(job).toMatchObject({ state: "failed", failure: { code: "out-of-memory" } });
    const { engines, providers } = await studio.client.system.doctor();
    expect(engines.map(({ role }) => role)).toEqual([
      "interactive",
      "background",
      "training",
      "pictures",
    ]);
    expect(engines[2]).toMatchObject({ running: true, sessions: { sessions: 0 } });
    expect(engines[1]?.running).toBe(false);
    expect(providers.find(({ name }) => name === "cpu")).toMatchObject({ available: true });
  });
});

describe("a train job over an engine that only ends", () => {
  /** Tells the reports given at each call in turn, then ends as a crash does; at the last it is done. */
  async function over(calls: readonly (readonly TrainingReport[])[]): Promise<Job> {
    const folder = await temporaryFolder();
    const database = await openDatabase(join(folder, "facet.sqlite"));
    const jobs = new Jobs(database);
    onTestFinished(async () => {
      await jobs.close();
      database.close();
    });
    const left = [...calls];
    const engine: TrainingEngine = {
      async train() {
        await Promise.resolve();
        const reports = left.shift() ?? [];
        return (async function* () {
          await Promise.resolve();
          yield* reports;
          if (reports.at(-1)?.kind === "ended") return;
          throw new FacetError("engine-unavailable", "It fell.");
        })();
      },
      stopTraining: () => Promise.resolve({ found: true }),
    };
    const training = new Training({ jobs, engine, folder: join(folder, "training") });
    const id = training.start(TrainRequest.parse(request));
    return jobs.ended(id);
  }

  const started = (step: number, passedOver: TrainResult["passedOver"] = []): TrainingReport => ({
    kind: "started",
    step,
    provider: "cpu",
    passedOver,
    inexact: [],
    memory: "",
  });
  const saved = (step: number): TrainingReport => ({
    kind: "saved",
    step,
    curve: [],
    fingerprint: "f",
    bytes: 1,
  });
  const progress = (step: number): TrainingReport => ({
    kind: "progress",
    step,
    loss: 1,
    gradientNorm: 1,
    rate: 1,
    stepsPerSecond: 1,
  });

  it("gives up where it comes no further, by name", async () => {
    const job = await over([[started(0), saved(4)], [started(4)], [started(4)], [started(4)]]);
    expect(job).toMatchObject({ state: "failed", failure: { code: "engine-unavailable" } });
  });

  it("goes on as long as it comes further, and counts what was lost", async () => {
    const slow = { provider: "webgpu", reason: "no adapter" } as const;
    const job = await over([
      [started(0, [slow]), saved(4), progress(9)],
      [started(4)],
      [started(4), saved(6)],
      [started(6), progress(8), saved(8), progress(11)],
      [started(8), { kind: "ended", reason: "done", step: 150, loss: 0.5 }],
    ]);
    expect(job.failure).toBeNull();
    const result = TrainResult.parse(job.result);
    expect(result.restarts.map(({ from, lost }) => [from, lost])).toEqual([
      [4, 5],
      [4, 0],
      [6, 0],
      [8, 3],
    ]);
    expect(result).toMatchObject({ steps: 150, loss: 0.5, passedOver: [slow] });
  });
});

describe("an engine that the kernel ends for want of memory", () => {
  it("is told from one that fell, with the last sizes", async (context) => {
    const limit = 400_000_000;
    using group = memoryGroup("facet-training", limit);
    if (group === null) return context.skip("no control group with a limit can be made here");
    const { studio, pids } = await openFresh();
    // Far more than the group has, far less than the machine has.
    const { job: id } = await studio.client.training.start({
      ...request,
      trainable: { ...request.trainable, width: 4096 },
      checkpointSeconds: 60,
    });
    await expect.poll(() => pids.training).toBeDefined();
    group.add(pids.training ?? 0);
    const job = await until(studio, id, ended);
    expect(job).toMatchObject({ state: "failed", failure: { code: "out-of-memory" } });
    // What it held, where it was asked before it ended; what was free in any case.
    expect(job.failure?.message).toMatch(/because memory ran out \([^)]*[\d.]+ [MG]B/);
    expect((await studio.client.system.doctor()).engine.running).toBe(true);
  });
});
