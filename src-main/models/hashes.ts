/** Which models are hashed when: those that are used, later; those that are asked for, at once; never one twice. */
import { ModelHash } from "../../src-preload/contract/models.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { ModelRow, ModelRows } from "../library/model-rows.ts";
import type { Disk } from "./disk.ts";
import { HashData, hashModel } from "./hash-job.ts";
import type { ModelEngine } from "./look.ts";

export interface HashesParts {
  readonly jobs: Jobs;
  readonly rows: ModelRows;
  readonly engine: ModelEngine;
  readonly disk: Disk;
}

/** Pictures come first, and a command that is over in a moment begins nothing. */
const usualDelayMs = 10_000;

export class Hashes {
  readonly #jobs: Jobs;
  readonly #rows: ModelRows;
  readonly #delayMs: number;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(parts: HashesParts, delayMs = usualDelayMs) {
    this.#jobs = parts.jobs;
    this.#rows = parts.rows;
    this.#delayMs = delayMs;
    parts.jobs.define("hash-model", {
      data: HashData,
      result: ModelHash,
      run: (context, data) => hashModel(parts, context, data),
    });
    this.#later("", () => this.#resume());
  }

  /** @returns The job that hashes the model, begun where none was. */
  start({ id, path }: ModelRow): string {
    return this.#unfinished(id) ?? this.#jobs.start("hash-model", `Hash ${path}`, { id });
  }

  /** Once for each model and run of Facet: whoever cancels the job is not asked again. */
  soon(id: string): void {
    if (this.#timers.has(id)) return;
    this.#later(id, () => {
      const row = this.#rows.byId(id);
      if (row !== undefined && row.sha256 === null) this.start(row);
    });
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #unfinished(id: string): string | undefined {
    return this.#jobs
      .list()
      .filter(({ kind, finishedAt }) => kind === "hash-model" && finishedAt === null)
      .find((job) => HashData.safeParse(this.#jobs.dataOf(job.id)).data?.id === id)?.id;
  }

  /** What an earlier run of Facet began. */
  #resume(): void {
    for (const { id, kind, state } of this.#jobs.list()) {
      if (kind === "hash-model" && state === "interrupted") this.#jobs.resume(id);
    }
  }

  #later(key: string, work: () => void): void {
    this.#timers.set(key, setTimeout(work, this.#delayMs).unref());
  }
}
