/** Hands every change of every job to whoever watches; a slow watcher gets the latest of each, never a backlog. */
import type { Job } from "../../src-preload/contract/jobs.ts";

export class Watchers {
  readonly #all = new Set<(job: Job) => void>();

  tell(job: Job): void {
    for (const listener of this.#all) listener(job);
  }

  /** Yields `first`, then changes, until the signal aborts. */
  async *watch(first: () => Job[], signal?: AbortSignal): AsyncGenerator<Job> {
    const waiting = new Map<string, Job>();
    let wake = Promise.withResolvers<void>();
    const listener = (job: Job) => {
      // Deleted first, so that jobs come in the order of their latest change.
      waiting.delete(job.id);
      waiting.set(job.id, job);
      wake.resolve();
    };
    const stop = () => wake.resolve();
    this.#all.add(listener);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      for (const job of first()) waiting.set(job.id, job);
      while (signal?.aborted !== true) {
        const next = waiting.values().next();
        if (next.done === true) {
          wake = Promise.withResolvers<void>();
          await wake.promise;
          continue;
        }
        waiting.delete(next.value.id);
        yield next.value;
      }
    } finally {
      this.#all.delete(listener);
      signal?.removeEventListener("abort", stop);
    }
  }
}
