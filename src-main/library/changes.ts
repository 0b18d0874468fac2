/** Tells pages that rows changed, at most some times a second, also when another process changed them. */
import type { Database } from "./database.ts";

const pollMs = 1000;
const coalesceMs = 100;

export class Changes {
  readonly #database: Database;
  readonly #listeners = new Set<() => void>();
  #revision = 0;
  #version: unknown;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#version = database.pragma("data_version");
  }

  /** Goes up with every change that this process has seen. */
  get revision(): number {
    return this.#revision;
  }

  made(): void {
    this.#revision += 1;
    for (const listener of this.#listeners) listener();
  }

  /** Asks SQLite whether another process has written since the last time. */
  look(): boolean {
    if (!this.#database.open) return false;
    const version = this.#database.pragma("data_version");
    if (version === this.#version) return false;
    this.#version = version;
    this.made();
    return true;
  }

  /** Calls back after changes by this process or another, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.look(), pollMs).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** The revision now, then each later one; many changes at once are one event. */
  async *watch(signal?: AbortSignal): AsyncGenerator<{ revision: number }> {
    let told = -1;
    let wake = Promise.withResolvers<void>();
    const rouse = () => wake.resolve();
    const stop = this.listen(rouse);
    signal?.addEventListener("abort", rouse, { once: true });
    try {
      while (signal?.aborted !== true) {
        if (told === this.#revision) {
          wake = Promise.withResolvers<void>();
          await wake.promise;
          await new Promise((resolve) => setTimeout(resolve, coalesceMs));
          continue;
        }
        told = this.#revision;
        yield { revision: told };
      }
    } finally {
      stop();
      signal?.removeEventListener("abort", rouse);
    }
  }

  close(): void {
    this.#listeners.clear();
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
