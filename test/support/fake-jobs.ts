/** Jobs that only count: for looking at the tray. */
import type { Job } from "../../src-preload/contract/jobs.ts";

export class FakeJobs {
  readonly #jobs = new Map<string, Job>();
  readonly #listeners = new Set<(job: Job) => void>();

  all(): Job[] {
    return [...this.#jobs.values()];
  }

  get(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new Error(`No job ${id}`);
    return job;
  }

  set(id: string, change: Partial<Job>): Job {
    const job = { ...this.get(id), ...change };
    this.#jobs.set(id, job);
    for (const listener of this.#listeners) listener(job);
    return job;
  }

  dismiss(id: string): boolean {
    return this.#jobs.delete(id);
  }

  /** Takes about six seconds. */
  start(
    kind: Job["kind"],
    title: string,
    total: number,
    unit: string,
    result: unknown,
    done = 0,
  ): string {
    const id = `j${Date.now()}${this.#jobs.size}`;
    this.#jobs.set(id, {
      id,
      kind,
      title,
      state: "running",
      done,
      total,
      unit,
      step: "Reading headers",
      startedAt: Date.now(),
      finishedAt: null,
      failure: null,
      result: null,
    });
    const timer = setInterval(() => {
      const job = this.#jobs.get(id);
      if (job === undefined || job.state === "cancelled") return clearInterval(timer);
      if (job.state !== "running") return undefined;
      if (result === null) {
        this.set(id, { done: job.done + (job.done < total - 3 ? 0.02 : 0) });
        return undefined;
      }
      const next = Math.min(total, job.done + Math.ceil(total / 60));
      if (next < total) this.set(id, { done: next });
      else {
        this.set(id, { done: total, state: "done", finishedAt: Date.now(), result });
        clearInterval(timer);
      }
      return undefined;
    }, 100);
    return id;
  }

  async *watch(signal: AbortSignal | undefined): AsyncGenerator<Job> {
    const waiting = this.all();
    let wake: (() => void) | undefined;
    const listener = (job: Job): void => {
      waiting.push(job);
      wake?.();
    };
    this.#listeners.add(listener);
    signal?.addEventListener("abort", () => wake?.());
    try {
      while (signal?.aborted !== true) {
        const job = waiting.shift();
        if (job !== undefined) yield job;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }
}
