/**
 * Reads what was imported by its header alone: copies it in where that is wanted, hashes it, takes its sketch.
 * What is still to do stands in the rows, so the job goes on after any interruption.
 */
import { stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import { Skipped } from "../../src-preload/contract/library.ts";
import { readError } from "../files/errors.ts";
import { failureOf } from "../jobs/failure.ts";
import type { JobContext } from "../jobs/jobs.ts";
import { companionOf, discard, dropUpload, publish, type StagedCopy, stageCopy } from "./blobs.ts";
import { isDatabaseError } from "./database.ts";
import { blobFile, blobFolder } from "./folders.ts";
import type { Previews } from "./previews.ts";
import { type Records, troubleOf } from "./records.ts";
import { type Lora, loraColumns, toLora, unpackInspection } from "./rows.ts";
import { mergeInto, rowWithContent } from "./same-content.ts";
import type { ReadOutcome, Shelf } from "./shelf.ts";
import type { Trash } from "./trash.ts";

/** One file is read by the engine while the next one is copied. */
const lanes = 2;
const pageRows = 32;
const mostListed = 1000;
/** The engine stops on one file: that file is left out. It stops on this many in a row: it is not the files. */
const mostEngineFailures = 3;
const restartMs = 500;

export const ReadResult = z.object({
  readCount: z.int(),
  /** Files that were in the library already, under another path. */
  same: z.array(Skipped),
  failed: z.array(Skipped),
});
export type ReadResult = z.infer<typeof ReadResult>;

export interface ReadServices {
  readonly shelf: Shelf;
  readonly records: Records;
  readonly previews: Previews;
  readonly trash: Trash;
}

export function unreadCount(shelf: Shelf): number {
  const sql = `select (select count(*) from loras where state = 'unread' and deleted_at is null)
    + (select count(*) from loras where picture is not null and deleted_at is null)`;
  return Number(shelf.database.column(sql).get());
}

export function runRead(services: ReadServices, context: JobContext): Promise<ReadResult> {
  return new Reading(services, context).run();
}

class Reading {
  readonly #services: ReadServices;
  readonly #shelf: Shelf;
  readonly #context: JobContext;
  readonly #result: ReadResult = { readCount: 0, same: [], failed: [] };
  #done = 0;
  #engineFailures = 0;

  constructor(services: ReadServices, context: JobContext) {
    this.#services = services;
    this.#shelf = services.shelf;
    this.#context = context;
  }

  async run(): Promise<ReadResult> {
    const pictures = "picture is not null";
    const unread = "state = 'unread'";
    // Pictures first: they are what the user sees, and reading terabytes may take all night.
    while (
      (await this.#all(pictures, "Making previews", (lora) => this.#picture(lora))) ||
      (await this.#all(unread, "Reading files", (lora) => this.#read(lora), pageRows))
    );
    return this.#result;
  }

  /** Works through the rows of one kind, or a page of them; false when there were none. */
  async #all(
    where: string,
    step: string,
    work: (lora: Lora) => Promise<void>,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    const page = this.#shelf.database.statement(
      `select ${loraColumns} from loras l where ${where} and l.deleted_at is null and l.seq > ?
       order by l.seq limit ${pageRows}`,
    );
    let taken = 0;
    for (let last = 0; taken < limit;) {
      const rows = page.all(last).map(toLora);
      if (rows.length === 0) break;
      last = rows.at(-1)?.seq ?? last;
      taken += rows.length;
      const queue = rows.values();
      const lane = async () => {
        for (const lora of queue) {
          await this.#context.paused();
          await work(lora);
          this.#done += 1;
          const total = this.#done + unreadCount(this.#shelf);
          this.#context.progress({ done: this.#done, total, unit: "files", step });
        }
      };
      const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
      this.#shelf.changes.made();
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
    return taken > 0;
  }

  async #picture(lora: Lora): Promise<void> {
    await this.#services.previews.make(lora, this.#context.signal);
  }

  async #read(lora: Lora, again = false): Promise<void> {
    try {
      const fresh = await this.#renewed(lora);
      if (fresh === undefined) return;
      if (fresh.storage === "copied" && fresh.blob === null) await this.#copy(fresh);
      else await this.#inPlace(fresh);
      this.#engineFailures = 0;
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (!again && failureOf(error).code === "engine-unavailable") {
        // It may have fallen over the file in the other lane.
        await setTimeout(restartMs);
        return this.#read(lora, true);
      }
      this.#fail(lora, error);
    }
  }

  /** The row as it is now, after a look at its file: changed since the import, it is scanned again. */
  async #renewed(lora: Lora): Promise<Lora | undefined> {
    if (lora.blob !== null || lora.path === null) return lora;
    const { path } = lora;
    let status;
    try {
      status = await stat(path);
    } catch (error) {
      throw readError(path, error);
    }
    if (status.size === lora.bytes && Math.round(status.mtimeMs) === lora.modified_at) return lora;
    const [scanned] = await this.#shelf.engine.scan({ paths: [path] }, this.#options());
    if (scanned === undefined || "failure" in scanned) {
      throw new FacetError("malformed", scanned?.failure.message ?? `${path} gave no answer.`, {
        path,
      });
    }
    const { inspection, modifiedAt } = scanned;
    this.#shelf.database.transaction(() => {
      this.#services.records.replaceFile(lora.seq, inspection, modifiedAt);
      this.#services.records.notePlace(lora.seq, path, inspection.bytes, modifiedAt);
    });
    return this.#services.records.bySeq(lora.seq);
  }

  async #inPlace(lora: Lora): Promise<void> {
    const path = this.#fileOf(lora);
    const read = await this.#shelf.engine.read({ path }, this.#options());
    const companion = (await companionOf(path))?.sha256 ?? "";
    const content = { sha256: read.sha256, companion };
    const before = this.#sameAs(lora, content);
    // The file was moved rather than copied: the identity follows it.
    const moved = before?.storage === "referenced" && !(await exists(before.path));
    this.#shelf.database.transaction(() => {
      // Asked again here, because the other lane may have stored the same content meanwhile.
      const same = this.#sameAs(lora, content);
      if (same === undefined) {
        this.#store(lora.seq, read, companion, lora.blob);
        this.#result.readCount += 1;
        return;
      }
      this.#merge(same, lora);
      if (!moved || same.seq !== before.seq) return;
      this.#shelf.database
        .statement("update loras set path = ?, modified_at = ? where seq = ?")
        .run(lora.path, lora.modified_at, same.seq);
      this.#store(same.seq, read, companion, same.blob);
    });
  }

  async #copy(lora: Lora): Promise<void> {
    const { folders, database } = this.#shelf;
    const path = this.#fileOf(lora);
    const copy: StagedCopy = await stageCopy(folders, path);
    try {
      const read = await this.#shelf.engine.read({ path: copy.file }, this.#options());
      const blob = await publish(folders, copy, read.sha256);
      const kept = database.transaction(() => {
        if (this.#services.records.bySeq(lora.seq) === undefined) return false; // erased meanwhile
        const same = this.#sameAs(lora, { sha256: read.sha256, companion: copy.companion });
        if (same === undefined) this.#result.readCount += 1;
        else this.#merge(same, lora);
        // What was only referred to until now has its copy, too.
        this.#store(same?.seq ?? lora.seq, read, copy.companion, blob);
        return true;
      });
      const used = database.column("select 1 from loras where blob = ? limit 1").get(blob);
      if (!kept && used === undefined) await discard(blobFolder(folders, blob));
    } finally {
      await discard(copy.folder);
    }
    if (await dropUpload(folders, path)) {
      database.transaction(() => {
        database.statement("update loras set path = null where path = ?").run(path);
        database.statement("delete from places where path = ?").run(path);
      });
    }
  }

  #fileOf(lora: Lora): string {
    if (lora.blob !== null) return blobFile(this.#shelf.folders, lora.blob);
    if (lora.path !== null) return lora.path;
    throw new FacetError("not-found", `The file of "${lora.name}" is gone.`);
  }

  #sameAs(lora: Lora, content: { sha256: string; companion: string }): Lora | undefined {
    return rowWithContent(this.#shelf.database, this.#services.records, content, lora.seq);
  }

  /** Call inside a transaction. */
  #merge(same: Lora, lora: Lora): void {
    mergeInto(this.#shelf.database, this.#services, same, lora);
    if (this.#result.same.length >= mostListed) return;
    const path = lora.path ?? lora.name;
    const reason = `Already in the library as "${same.name}".`;
    this.#result.same.push({ path, code: "already-exists", reason });
  }

  /** Call inside a transaction. */
  #store(seq: number, read: ReadOutcome, companion: string, blob: string | null): void {
    const { database } = this.#shelf;
    const inspection = unpackInspection(
      database.column("select body from inspections where lora = ?").get(seq),
    );
    database
      .statement(
        `update loras set state = 'read', sha256 = ?, data_sha256 = ?, companion = ?, fingerprint = ?, blob = ?, trouble = ?,
           storage = iif(? is null, storage, 'copied'), unsaved = unsaved + 1 where seq = ?`,
      )
      .run(
        read.sha256,
        read.dataSha256,
        companion,
        read.fingerprint,
        blob,
        inspection === null ? null : troubleOf(inspection),
        blob,
        seq,
      );
    this.#services.records.setSketch(seq, read.sketch, read.norm);
  }

  #fail(lora: Lora, error: unknown): void {
    if (isDatabaseError(error)) throw error;
    const { code, message } = failureOf(error, this.#pathOf(lora));
    if (code === "disk-full" || code === "not-writable") throw error; // the next file would fare no better
    if (code === "engine-unavailable") {
      this.#engineFailures += 1;
      if (this.#engineFailures >= mostEngineFailures) throw error;
    }
    this.#shelf.database
      .statement("update loras set state = 'failed', trouble = ? where seq = ?")
      .run(message, lora.seq);
    if (this.#result.failed.length < mostListed) {
      this.#result.failed.push({ path: this.#pathOf(lora), code, reason: message });
    }
  }

  #pathOf(lora: Lora): string {
    return lora.path ?? lora.blob ?? lora.name;
  }

  #options(): { signal: AbortSignal } {
    return { signal: this.#context.signal };
  }
}

async function exists(path: string | null): Promise<boolean> {
  if (path === null) return false;
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
