/** The job that hashes a model: in parts, so that it can be paused and gives way to other work. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import { type ModelHash, ModelId } from "../../src-preload/contract/models.ts";
import { failureOf } from "../jobs/failure.ts";
import type { JobContext, Jobs } from "../jobs/jobs.ts";
import { newId } from "../library/ids.ts";
import type { ModelRows } from "../library/model-rows.ts";
import type { Disk } from "./disk.ts";
import type { ModelEngine } from "./look.ts";
import { type Candidate, candidateAt } from "./walk.ts";

/** A tenth of a second of hashing from a warm cache: pauses and cancels are heard that soon. */
const partBytes = 64 * 2 ** 20;
/** Beside other work, it rests this many times as long as it worked. */
const restShare = 3;
const mostStarts = 3;

export const HashData = z.object({ id: ModelId });
/** Hashes of a folder's files that are done: those are not read again. */
const HashState = z.object({ stamp: z.string(), files: z.record(z.string(), z.string()) });

export interface HashParts {
  readonly jobs: Jobs;
  readonly rows: ModelRows;
  readonly engine: ModelEngine;
  readonly disk: Disk;
}

export async function hashModel(
  parts: HashParts,
  context: JobContext,
  { id }: z.infer<typeof HashData>,
): Promise<ModelHash> {
  const row = parts.rows.byId(id);
  if (row === undefined) throw new FacetError("not-found", `There is no model ${id} (any more).`);
  const { path } = row;
  const before = await candidateAt(parts.disk, path, context.signal);
  const names =
    row.file?.kind === "model" && row.file.description.files.length > 0
      ? row.file.description.files
      : [""];
  const hashing = new Hashing(parts, context, before);
  const sha256 = await hashing.all(path, names);
  const after = await candidateAt(parts.disk, path, context.signal);
  if (after.stamp !== before.stamp) {
    throw new FacetError(
      "not-readable",
      `"${path}" was changed while it was hashed. Hash it again when the other program is done.`,
      { path },
    );
  }
  parts.rows.hashed(id, before.stamp, sha256);
  return { id, sha256 };
}

class Hashing {
  readonly #parts: HashParts;
  readonly #context: JobContext;
  readonly #stamp: string;
  readonly #known: Map<string, string>;
  readonly #total: number;
  #done = 0;

  constructor(parts: HashParts, context: JobContext, { stamp, bytes }: Candidate) {
    this.#parts = parts;
    this.#context = context;
    this.#stamp = stamp;
    this.#total = bytes;
    const state = HashState.safeParse(context.state);
    const files = state.success && state.data.stamp === stamp ? state.data.files : {};
    this.#known = new Map(Object.entries(files));
  }

  /** Of one file its own hash; of several the hash of what sha256sum would print of them, in the names' order. */
  async all(folder: string, names: readonly string[]): Promise<string> {
    const [only = ""] = names;
    if (names.length <= 1) return this.#file(join(folder, only), only);
    const list = createHash("sha256");
    for (const name of names.toSorted()) {
      const path = join(folder, name);
      let sha256 = this.#known.get(name);
      if (sha256 === undefined) {
        sha256 = await this.#file(path, name);
        this.#known.set(name, sha256);
        const files = Object.fromEntries(this.#known);
        this.#context.checkpoint({ stamp: this.#stamp, files } satisfies z.infer<typeof HashState>);
      } else {
        this.#done += (await this.#parts.disk.status(path)).bytes;
      }
      list.update(`${sha256}  ${name}\n`);
    }
    return list.digest("hex");
  }

  async #file(path: string, name: string): Promise<string> {
    const start = this.#done;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#parted(path, name);
      } catch (error) {
        this.#context.signal.throwIfAborted();
        // Another engine process answers now, which knows nothing of what was begun.
        const lost = ["engine-unavailable", "missing-parent"].includes(failureOf(error).code);
        if (!lost || attempt === mostStarts) throw error;
        this.#done = start;
      }
    }
  }

  async #parted(path: string, name: string): Promise<string> {
    const { engine } = this.#parts;
    const { signal } = this.#context;
    const token = newId();
    const start = this.#done;
    for (let from = 0; ;) {
      await this.#context.paused();
      const began = performance.now();
      const { done, sha256 } = await engine.hashPart(
        { path, token, from, bytes: partBytes },
        { signal },
      );
      from = done;
      this.#done = start + done;
      this.#context.progress({
        done: this.#done,
        total: Math.max(this.#total, this.#done),
        unit: "bytes",
        step: name,
      });
      if (sha256 !== null) return sha256;
      if (this.#isBesideOthers()) {
        await setTimeout(restShare * (performance.now() - began), undefined, { signal });
      }
    }
  }

  #isBesideOthers(): boolean {
    return this.#parts.jobs
      .list()
      .some(({ kind, state }) => state === "running" && kind !== "hash-model");
  }
}
