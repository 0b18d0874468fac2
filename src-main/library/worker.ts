/** The library's worker thread: searches sketches and copies SQLite's log back, off main's event loop. */
import { stat } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { assert } from "../core/errors.ts";
import { type Database, openReader } from "./database.ts";
import { type Near, SketchIndex } from "./sketch-index.ts";

/** The log is copied back when it has grown to this; made short again when it is larger than the second. */
const logBytes = 8 << 20;
const longLogBytes = 64 << 20;
const lookMs = 500;

export const Request = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("nearest"), id: z.int(), seq: z.int(), limit: z.int() }),
  z.object({
    kind: z.literal("clusters"),
    id: z.int(),
    threshold: z.number(),
    /** One Int32 that becomes 1 when the answer is no longer wanted. */
    cancelled: z.instanceof(SharedArrayBuffer),
  }),
]);
export type Request = z.infer<typeof Request>;
export type Answer =
  | { readonly id: number; readonly groups: Near[][] }
  | { readonly id: number; readonly error: string };

const Sketch = z.object({
  lora: z.int(),
  family: z.string(),
  vector: z.instanceof(Uint8Array),
  version: z.int(),
});

class SketchWorker {
  readonly #database: Database;
  readonly #index = new SketchIndex();
  #dataVersion: unknown;
  #version = 0;

  constructor(file: string) {
    this.#database = openReader(file);
  }

  answer(request: Request): Near[][] {
    this.#refresh();
    if (request.kind === "nearest") return [this.#index.nearest(request.seq, request.limit)];
    const cancelled = new Int32Array(request.cancelled);
    return this.#index.clusters(request.threshold, () => Atomics.load(cancelled, 0) === 1);
  }

  /** Takes in what changed since the last question: new sketches, and what is in the trash. */
  #refresh(): void {
    const version = this.#database.pragma("data_version");
    if (version === this.#dataVersion) return;
    this.#dataVersion = version;
    const rows = this.#database
      .statement(
        `select s.lora, l.family, s.vector, s.version from sketches s join loras l on l.seq = s.lora
         where s.version > ? order by s.version`,
      )
      .iterate(this.#version);
    for (const value of rows) {
      const row = Sketch.parse(value);
      // Copied: the buffer that SQLite gives may begin at any byte.
      const vector = new Float32Array(row.vector.slice().buffer);
      this.#index.set(row.lora, row.family === "sdxl" ? 1 : 0, vector);
      this.#version = row.version;
    }
    const live = this.#database
      .column(
        "select s.lora from sketches s join loras l on l.seq = s.lora where l.deleted_at is null",
      )
      .all();
    this.#index.setLive(live.map(Number));
  }

  async relieveLog(): Promise<void> {
    const { size } = await stat(`${this.#database.file}-wal`).catch(() => ({ size: 0 }));
    if (size < logBytes) return;
    // Passive waits for nobody and holds nobody up; it does nearly all of the work.
    this.#database.pragma("wal_checkpoint(PASSIVE)");
    if (size > longLogBytes) this.#database.pragma("wal_checkpoint(RESTART)");
  }
}

/** Called by the entry file of the worker. */
export function startWorker(): void {
  const port = parentPort;
  assert(port !== null, "the library's worker runs in a worker thread");
  const { file } = z.object({ file: z.string() }).parse(workerData);
  const worker = new SketchWorker(file);
  port.on("message", (value: unknown) => {
    const request = Request.parse(value);
    let answer: Answer;
    try {
      answer = { id: request.id, groups: worker.answer(request) };
    } catch (error) {
      answer = { id: request.id, error: error instanceof Error ? error.message : String(error) };
    }
    port.postMessage(answer);
  });
  let looking = false;
  setInterval(() => {
    if (looking) return;
    looking = true;
    worker
      .relieveLog()
      .catch(() => undefined) // busy: the next look is soon
      .finally(() => {
        looking = false;
      });
  }, lookMs);
}
