/** One job while it runs: its progress, its pauses, its end. */
import type { Job } from "../../src-preload/contract/jobs.ts";

/** Listeners hear of progress ten times a second at most; the row is written once a second at most. */
const tellMs = 100;
const saveMs = 1000;

export interface ProgressChange {
  readonly done?: number;
  /** 0 while unknown. */
  readonly total?: number;
  readonly unit?: string;
  readonly step?: string;
}

/** What a job's work is given. */
export interface JobContext {
  readonly id: string;
  /** Aborts when the job is cancelled or Facet ends. */
  readonly signal: AbortSignal;
  progress(change: ProgressChange): void;
  /** Resolves when the job is not paused; throws when it is cancelled meanwhile. Ask between two steps. */
  paused(): Promise<void>;
  /** True while the job is paused, or is to be as soon as its work has come to a step's end. */
  readonly pausing: boolean;
  /** Stores where the work has come to; `state` holds it when the job is resumed. */
  checkpoint(state: unknown): void;
  /** The last checkpoint, as JSON gave it back; undefined at the first run. */
  readonly state: unknown;
}

export interface RunnerEvents {
  tell(job: Job): void;
  save(job: Job): void;
  saveCheckpoint(id: string, state: unknown): void;
}

export class Runner implements JobContext {
  readonly id: string;
  readonly state: unknown;
  readonly #abort = new AbortController();
  readonly #events: RunnerEvents;
  #job: Job;
  #gate: PromiseWithResolvers<void> | undefined;
  #lastTold = 0;
  #lastSaved = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(job: Job, state: unknown, events: RunnerEvents) {
    this.id = job.id;
    this.state = state;
    this.#job = job;
    this.#events = events;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get job(): Job {
    return this.#job;
  }

  progress(change: ProgressChange): void {
    this.#job = { ...this.#job, ...change };
    const now = performance.now();
    if (now - this.#lastTold >= tellMs) this.#tell(now);
    // What came too soon after the last word is told when its time has come, not lost.
    else this.#timer ??= setTimeout(() => this.#tell(performance.now()), tellMs).unref();
  }

  get pausing(): boolean {
    return this.#gate !== undefined;
  }

  async paused(): Promise<void> {
    this.signal.throwIfAborted();
    if (this.#gate === undefined) return;
    await this.#gate.promise;
    this.signal.throwIfAborted();
  }

  checkpoint(state: unknown): void {
    this.#events.saveCheckpoint(this.id, state);
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers<void>();
    this.change({ state: "paused" });
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
    this.change({ state: "running" });
  }

  abort(reason: Error): void {
    this.#abort.abort(reason);
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** A change that counts: told and stored at once. */
  change(change: Partial<Job>): Job {
    this.#job = { ...this.#job, ...change };
    this.#lastSaved = 0;
    this.#tell(performance.now());
    return this.#job;
  }

  #tell(now: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastTold = now;
    if (this.#lastSaved === 0 || now - this.#lastSaved >= saveMs) {
      this.#lastSaved = now;
      this.#events.save(this.#job);
    }
    this.#events.tell(this.#job);
  }
}
