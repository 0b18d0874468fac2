/** Long work: kinds are defined once, jobs are queued, run, paused, cancelled, and found again after a crash. */
import type { ZodType } from "zod";
import { FacetError, assert } from "../core/errors.ts";
import type { Job } from "../../src-preload/contract/jobs.ts";
import type { Database } from "../library/database.ts";
import { newId } from "../library/ids.ts";
import { failureOf } from "./failure.ts";
import { heartbeatMs } from "./owner.ts";
import { type JobContext, Runner, type RunnerEvents } from "./runner.ts";
import { JobStore } from "./store.ts";
import { Watchers } from "./watchers.ts";

export type JobKind = Job["kind"];
export type { JobContext } from "./runner.ts";

/** Jobs that run at once, whatever their kinds: main only hands work to the engine, which does one thing at a time. */
const defaultConcurrency = 4;
/** How long a closing studio waits for work to stop by itself. */
const closeMs = 10_000;

export interface JobDefinition<D, R> {
  readonly data: ZodType<D>;
  readonly result: ZodType<R>;
  run(context: JobContext, data: D): Promise<R>;
}

interface Definition {
  run(context: JobContext, data: unknown): Promise<unknown>;
}

class Interrupted extends Error {}

export class Jobs {
  readonly #store: JobStore;
  readonly #watchers = new Watchers();
  readonly #definitions = new Map<JobKind, Definition>();
  readonly #queue: Job[] = [];
  readonly #running = new Map<string, { runner: Runner; ended: Promise<void> }>();
  readonly #concurrency: number;
  readonly #heart: NodeJS.Timeout;
  #closed = false;

  constructor(database: Database, options: { concurrency?: number } = {}) {
    this.#store = new JobStore(database);
    this.#concurrency = options.concurrency ?? defaultConcurrency;
    this.#store.interruptAbandoned();
    this.#store.prune();
    this.#heart = setInterval(() => this.#beat(), heartbeatMs).unref();
  }

  /** Data and result are parsed at both ends: a job found after a restart is as unknown as any file. */
  define<D, R>(kind: JobKind, definition: JobDefinition<D, R>): void {
    assert(!this.#definitions.has(kind), `the job kind ${kind} is defined once`);
    this.#definitions.set(kind, {
      run: async (context, data) =>
        definition.result.parse(await definition.run(context, definition.data.parse(data))),
    });
  }

  start(kind: JobKind, title: string, data: unknown): string {
    assert(this.#definitions.has(kind), `the job kind ${kind} is not defined`);
    this.#refuseWhenClosed();
    const job: Job = {
      id: newId(),
      kind,
      title,
      state: "queued",
      done: 0,
      total: 0,
      unit: "",
      step: "",
      startedAt: null,
      finishedAt: null,
      failure: null,
      result: null,
    };
    this.#store.insert(job, data);
    this.#enqueue(job);
    return job.id;
  }

  list(): Job[] {
    return this.#store.list().map((job) => this.#running.get(job.id)?.runner.job ?? job);
  }

  get(id: string): Job {
    const job = this.#running.get(id)?.runner.job ?? this.#store.get(id);
    if (job === undefined)
      throw new FacetError("not-found", `There is no job ${id}.`, { field: "id" });
    return job;
  }

  /** Where a job had come to when it last said so; unknown until its kind's schema has parsed it. */
  checkpointOf(id: string): unknown {
    return this.#store.load(this.get(id).id).checkpoint;
  }

  /** What a job was asked to do; unknown as above. */
  dataOf(id: string): unknown {
    return this.#store.load(this.get(id).id).data;
  }

  /** Stops a job; what it has done stays done. */
  cancel(id: string): Job {
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.runner.abort(new FacetError("cancelled", "Cancelled."));
      return running.runner.change({ step: "Stopping" });
    }
    const job = this.#idle(id);
    if (job.state !== "queued" && job.state !== "interrupted") return job;
    this.#unqueue(id);
    return this.#save({ ...job, state: "cancelled", finishedAt: Date.now() });
  }

  pause(id: string): Job {
    const running = this.#running.get(id);
    if (running !== undefined) {
      if (running.runner.job.state === "running") running.runner.pause();
      return running.runner.job;
    }
    return this.#idle(id);
  }

  /** Goes on with a paused job, or starts an interrupted or failed one again from its last checkpoint. */
  resume(id: string): Job {
    const running = this.#running.get(id);
    if (running !== undefined) {
      if (running.runner.job.state === "paused") running.runner.resume();
      return running.runner.job;
    }
    const job = this.#idle(id);
    if (job.state === "queued" || job.state === "done") return job;
    if (job.state === "cancelled") {
      throw new FacetError(
        "invalid-argument",
        `The job "${job.title}" was cancelled. Start it again.`,
        {
          field: "id",
        },
      );
    }
    this.#refuseWhenClosed();
    const again = this.#save({ ...job, state: "queued", failure: null, finishedAt: null });
    this.#enqueue(again);
    return this.get(id);
  }

  /** Takes a finished job off the list. A running one stays. */
  dismiss(id: string): boolean {
    if (this.#running.has(id)) return false;
    const job = this.#store.get(id);
    if (job === undefined || this.#store.isElsewhere(id)) return false;
    this.#unqueue(id);
    return this.#store.remove(id);
  }

  /** All jobs as they are, then every change. */
  watch(signal?: AbortSignal): AsyncGenerator<Job> {
    return this.#watchers.watch(() => this.list(), signal);
  }

  /** Resolves when a job has ended, whichever way. */
  async ended(id: string): Promise<Job> {
    for await (const job of this.#watchers.watch(() => [this.get(id)])) {
      if (job.id === id && job.finishedAt !== null) return job;
    }
    return this.get(id);
  }

  /** True while this process has a job of the kind that is not finished. */
  has(kind: JobKind): boolean {
    return (
      this.#queue.some((job) => job.kind === kind) ||
      [...this.#running.values()].some(({ runner }) => runner.job.kind === kind)
    );
  }

  /** Stops all work; what was running is `interrupted` and can be resumed at the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heart);
    for (const job of this.#queue.splice(0)) {
      this.#save({ ...job, state: "interrupted", finishedAt: Date.now() });
    }
    const all = [...this.#running.values()];
    for (const { runner } of all) runner.abort(new Interrupted("Facet was closed."));
    const ended = Promise.all(all.map((running) => running.ended));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, closeMs);
    await Promise.race([ended, late.promise]);
    clearTimeout(timer);
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    this.#watchers.tell(job);
    // Not at once: whoever starts a job gets its id before its first change.
    setImmediate(() => this.#next());
  }

  #unqueue(id: string): void {
    const index = this.#queue.findIndex((job) => job.id === id);
    if (index >= 0) this.#queue.splice(index, 1);
  }

  #next(): void {
    if (this.#closed) return;
    for (const job of [...this.#queue]) {
      if (this.#running.size >= this.#concurrency) return;
      if ([...this.#running.values()].some(({ runner }) => runner.job.kind === job.kind)) continue;
      if (!this.#store.claim(job.id, job.kind)) continue; // tried again at the next heartbeat
      this.#unqueue(job.id);
      this.#run(job);
    }
  }

  #run(job: Job): void {
    const { data, checkpoint } = this.#store.load(job.id);
    const events: RunnerEvents = {
      tell: (changed) => this.#watchers.tell(changed),
      save: (changed) => this.#store.save(changed),
      saveCheckpoint: (id, state) => this.#store.saveCheckpoint(id, state),
    };
    const runner = new Runner(job, checkpoint, events);
    const definition = this.#definitions.get(job.kind);
    assert(
      definition !== undefined,
      `the job kind ${job.kind} is defined before its jobs are resumed`,
    );
    const ended = this.#follow(runner, async () => definition.run(runner, data));
    this.#running.set(job.id, { runner, ended });
    runner.change({ state: "running", startedAt: job.startedAt ?? Date.now() });
  }

  async #follow(runner: Runner, work: () => Promise<unknown>): Promise<void> {
    let end: Partial<Job>;
    try {
      await Promise.resolve(); // the caller registers the runner first
      end = { state: "done", result: await work() };
    } catch (error) {
      end = { state: "failed", failure: failureOf(error) };
    }
    if (runner.signal.aborted) {
      // Work that stops early may still say what it did; work that throws when told to stop did not fail.
      const interrupted = runner.signal.reason instanceof Interrupted;
      end = { state: interrupted ? "interrupted" : "cancelled", result: end.result ?? null };
    }
    this.#running.delete(runner.id);
    runner.change({ ...end, step: "", finishedAt: Date.now() });
    this.#next();
  }

  #idle(id: string): Job {
    const job = this.get(id);
    if (!this.#store.isElsewhere(id)) return job;
    throw new FacetError(
      "invalid-argument",
      `The job "${job.title}" runs in another Facet process.`,
      {
        field: "id",
      },
    );
  }

  #save(job: Job): Job {
    this.#store.save(job);
    this.#watchers.tell(job);
    return job;
  }

  #beat(): void {
    const mine = [...this.#running.keys(), ...this.#queue.map((job) => job.id)];
    if (mine.length > 0) this.#store.beat(mine);
    this.#next();
  }

  #refuseWhenClosed(): void {
    assert(!this.#closed, "no job starts after the studio was closed");
  }
}
