/** Asks the library's worker thread: what is like this one, and what is nearly the same. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import type { Neighbour } from "../../src-preload/contract/library.ts";
import { cardColumns, toCard } from "./rows.ts";
import type { Shelf } from "./shelf.ts";
import type { Near } from "./sketch-index.ts";
import type { Answer, Request } from "./worker.ts";

/** Cards shown of all groups of near-duplicates together: more than anybody goes through in one sitting. */
const mostDuplicates = 5000;

type Pending = PromiseWithResolvers<Near[][]>;
type Question = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

export class Neighbours {
  readonly #shelf: Shelf;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #nextId = 1;
  #closed = false;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** Starts the worker where it does not run yet. Long writes want it early: it keeps SQLite's log short. */
  wake(): void {
    if (this.#worker !== undefined || this.#closed) return;
    const worker = new Worker(workerEntry(), {
      workerData: { file: this.#shelf.folders.database },
    });
    worker.unref();
    worker.on("message", (answer: Answer) => {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ("error" in answer) pending?.reject(new Error(answer.error));
      else pending?.resolve(answer.groups);
    });
    const ended = (error: Error) => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const pending of this.#pending.values()) pending.reject(error);
      this.#pending.clear();
    };
    worker.on("error", (error: Error) => {
      this.#shelf.log("The library's worker stopped", error);
      ended(error);
    });
    worker.on("exit", () => ended(new Error("The library's worker stopped.")));
    this.#worker = worker;
  }

  /** The most similar ones by their products, the nearest first. Empty while the file is not read yet. */
  async similar(seq: number, limit: number): Promise<Neighbour[]> {
    const [near = []] = await this.#ask({ kind: "nearest", seq, limit });
    return this.#cards([near])[0] ?? [];
  }

  async duplicates(threshold: number, signal?: AbortSignal): Promise<Neighbour[][]> {
    const cancelled = new SharedArrayBuffer(4);
    const cancel = () => Atomics.store(new Int32Array(cancelled), 0, 1);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const groups = await this.#ask({ kind: "clusters", threshold, cancelled });
      if (signal?.aborted === true) throw new FacetError("cancelled", "Cancelled.");
      let count = 0;
      const shown = groups.filter((group) => (count += group.length) <= mostDuplicates);
      return this.#cards(shown).filter((group) => group.length > 1);
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  async #ask(question: Question): Promise<Near[][]> {
    this.wake();
    const worker = this.#worker;
    if (worker === undefined) throw new FacetError("cancelled", "The library was closed.");
    const id = this.#nextId++;
    const pending = Promise.withResolvers<Near[][]>();
    this.#pending.set(id, pending);
    worker.postMessage({ ...question, id });
    return pending.promise;
  }

  /** Groups of rows as groups of cards; what has gone to the trash meanwhile is left out. */
  #cards(groups: readonly (readonly Near[])[]): Neighbour[][] {
    const rows = this.#shelf.database
      .statement(
        `select ${cardColumns} from loras l
         where l.seq in (select value from json_each(?)) and l.deleted_at is null`,
      )
      .all(JSON.stringify(groups.flatMap((group) => group.map(({ seq }) => seq))));
    const cards = new Map(rows.map((row) => [Seq.parse(row).seq, toCard(row)]));
    return groups.map((group) =>
      group.flatMap(({ seq, similarity }) => {
        const card = cards.get(seq);
        return card === undefined ? [] : [{ card, similarity }];
      }),
    );
  }
}

const Seq = z.object({ seq: z.int() });

/** TypeScript in a checkout, JavaScript where the package is compiled, and beside this file where all is bundled. */
function workerEntry(): string {
  const candidates = ["../library-worker.ts", "../library-worker.js", "./library-worker.js"];
  const paths = candidates.map((name) => fileURLToPath(new URL(name, import.meta.url)));
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string);
}
