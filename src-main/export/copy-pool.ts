/** Copies files in threads of the engine's process: hashing is half of the work, and one core would wait for it. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { FacetError, type ErrorCode } from "../core/errors.ts";
import type { Failure } from "../../src-preload/contract/common.ts";
import type { LoraFile, WrittenFile } from "./writer.ts";

/** A thread holds one file in memory; above four the disk is what waits. */
const mostThreads = 4;

/** Files that are worked on at once: a thread for each core, and one more while another waits for the disk. */
export const copiesAtOnce = Math.min(mostThreads, availableParallelism() + 1);

/** A file, and the SHA-256 of its tensors where that is known. */
export interface Original {
  readonly path: string;
  readonly dataSha256?: string | undefined;
}

export interface CopyOrder {
  readonly from: Original;
  readonly file: LoraFile;
}

/** What a thread answers. */
export type CopyAnswer = { readonly done: WrittenFile | null } | { readonly failure: Failure };

interface Waiting {
  readonly order: CopyOrder;
  readonly resolve: (written: WrittenFile | null) => void;
  readonly reject: (error: Error) => void;
}

export class CopyPool {
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting[] = [];
  #threads = 0;

  /** As `copyLoraFile`: null where the matrices must be computed. */
  copy(from: Original, file: LoraFile): Promise<WrittenFile | null> {
    return new Promise((resolve, reject) => {
      const { path, dataSha256 } = from;
      this.#queue.push({ order: { from: { path, dataSha256 }, file }, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#queue.length === 0) return;
    const worker = this.#idle.pop() ?? this.#start();
    if (worker === null) return;
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    const answered = (answer: CopyAnswer) => {
      settle();
      this.#idle.push(worker);
      if ("done" in answer) waiting.resolve(answer.done);
      else waiting.reject(revived(answer.failure));
      this.#next();
    };
    const ended = (cause: unknown) => {
      settle();
      const { to } = waiting.order.file;
      waiting.reject(
        new FacetError(
          "engine-unavailable",
          `The thread that wrote ${to} ended: ${String(cause)}.`,
          {
            path: to,
            cause,
          },
        ),
      );
      this.#next();
    };
    const settle = () => {
      // One by one: removeAllListeners would take the thread's own along, and it would never be heard again.
      worker.off("message", answered).off("error", ended).off("exit", ended);
      worker.unref();
    };
    worker.on("message", answered).on("error", ended).on("exit", ended);
    worker.ref();
    worker.postMessage(waiting.order);
  }

  #start(): Worker | null {
    if (this.#threads === copiesAtOnce) return null;
    this.#threads += 1;
    const worker = new Worker(threadEntry());
    worker.on("exit", () => {
      this.#threads -= 1;
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return worker;
  }
}

/** Threads pass errors as values; the class comes back here. */
function revived({ code, message, path, field }: Failure): Error {
  // Written by `failureOf` on the other side: one of ours, or an error that nobody foresaw.
  return code === "unexpected"
    ? new Error(message)
    : new FacetError(code as ErrorCode, message, { path, field });
}

/** TypeScript in a checkout, JavaScript where the package is compiled, and beside this file where all is bundled. */
function threadEntry(): string {
  const candidates = ["../export-worker.ts", "../export-worker.js", "./export-worker.js"];
  const paths = candidates.map((name) => fileURLToPath(new URL(name, import.meta.url)));
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string);
}
