/** The import: headers only, so that 30,000 cards are there in seconds. What needs the whole file is the read job's. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { z } from "zod";
import type { Scanned } from "../../src-preload/contract/engine.ts";
import { type ImportResult, Storage } from "../../src-preload/contract/library.ts";
import type { Inspection } from "../../src-preload/contract/lora.ts";
import { RecipeRecord } from "../../src-preload/contract/recipe.ts";
import { failureOf } from "../jobs/failure.ts";
import type { JobContext } from "../jobs/jobs.ts";
import type { Collections } from "./collections.ts";
import { isInside } from "./folders.ts";
import { FreeNames, nameOf } from "./names.ts";
import type { NewFile, Records, Said } from "./records.ts";
import { hasPicture, type Lora } from "./rows.ts";
import type { Shelf } from "./shelf.ts";
import { pictureBeside, type SidecarText, textBeside } from "./sidecars.ts";
import { inSlices } from "./slices.ts";
import type { Trash } from "./trash.ts";
import { findFiles, type Found, type FoundFile } from "./walk.ts";

/** Headers asked for in one call, and calls on their way at once: the engine is never idle, main never drowned. */
const batchFiles = 64;
const lanes = 2;
/** Entries of each list in a job's result. */
const mostListed = 5000;

export const ImportData = z.object({
  paths: z.array(z.string()),
  storage: Storage,
  collection: z.string().nullable(),
});
export type ImportData = z.infer<typeof ImportData>;

export interface ImportServices {
  readonly shelf: Shelf;
  readonly records: Records;
  readonly collections: Collections;
  readonly trash: Trash;
}

export function runImport(
  services: ImportServices,
  context: JobContext,
  data: ImportData,
): Promise<ImportResult> {
  return new Import(services, context, data).run();
}

/** A good header and what lies beside its file. */
interface Ready {
  readonly path: string;
  readonly inspection: Inspection;
  readonly modifiedAt: number;
  readonly text: SidecarText | null;
  readonly picture: string | null;
  /** The row to renew, where the file was known and has changed. */
  readonly changed: Lora | undefined;
}

class Import {
  readonly #services: ImportServices;
  readonly #shelf: Shelf;
  readonly #context: JobContext;
  readonly #data: ImportData;
  readonly #names: FreeNames;
  readonly #collection: number | null;
  readonly #result: ImportResult = { imported: [], skipped: [], importedCount: 0, skippedCount: 0 };
  readonly #waiting: Found[] = [];
  #found = 0;
  #finished = 0;
  #walking = true;
  readonly #idle: (() => void)[] = [];
  #stopped = false;

  constructor(services: ImportServices, context: JobContext, data: ImportData) {
    this.#services = services;
    this.#shelf = services.shelf;
    this.#context = context;
    this.#data = data;
    this.#names = new FreeNames(services.shelf.database);
    this.#collection =
      data.collection === null ? null : services.collections.require(data.collection).seq;
  }

  async run(): Promise<ImportResult> {
    this.#context.progress({ unit: "files", step: "Looking for files" });
    const work = [this.#walk(), ...Array.from({ length: lanes }, () => this.#lane())];
    const outcomes = await Promise.allSettled(work.map((part) => this.#stopAllOnError(part)));
    this.#shelf.changes.made();
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    // Stopped by the user: what is imported stays, and the result says what that is.
    if (failure !== undefined && !this.#context.signal.aborted) throw failure.reason;
    return this.#result;
  }

  async #stopAllOnError(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#stopped = true;
      this.#wake();
      throw error;
    }
  }

  async #walk(): Promise<void> {
    const paths = this.#data.paths.map((path) => resolve(path));
    for await (const found of findFiles(paths)) {
      await this.#context.paused();
      if (this.#stopped) return;
      this.#waiting.push(found);
      this.#found += 1;
      if (this.#waiting.length >= batchFiles) this.#wake();
    }
    this.#walking = false;
    this.#wake();
  }

  #wake(): void {
    for (const resume of this.#idle.splice(0)) resume();
  }

  async #lane(): Promise<void> {
    for (;;) {
      await this.#context.paused();
      if (this.#stopped) return;
      if (this.#waiting.length < batchFiles && this.#walking) {
        await new Promise<void>((resume) => this.#idle.push(resume));
        continue;
      }
      const batch = this.#waiting.splice(0, batchFiles);
      if (batch.length === 0) return;
      await this.#take(batch);
      this.#finished += batch.length;
      this.#context.progress({
        done: this.#finished,
        total: this.#walking ? 0 : this.#found,
        step: "Reading headers",
      });
      this.#shelf.changes.made();
    }
  }

  async #take(batch: readonly Found[]): Promise<void> {
    const changed = new Map<string, Lora>();
    const fresh: FoundFile[] = [];
    for (const found of batch) {
      if (found.kind === "skipped") this.#skip(found.path, found.code, found.reason);
      else if (!(await this.#isKnown(found.path, changed))) fresh.push(found);
    }
    if (fresh.length === 0) return;
    const scanned = await this.#scan(fresh.map(({ path }) => path));
    const siblings = new Map(fresh.map((found) => [found.path, found.siblings]));
    const ready = await Promise.all(
      scanned.map((one) => this.#ready(one, siblings.get(one.path) ?? new Set(), changed)),
    );
    const good = ready.filter((one) => one !== null);
    await inSlices(this.#shelf.database, good, (one) => this.#insert(one), this.#context.signal);
  }

  async #scan(paths: string[]): Promise<Scanned[]> {
    const { engine } = this.#shelf;
    const { signal } = this.#context;
    try {
      return await engine.scan({ paths }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (paths.length === 1) {
        return paths.map((path) => ({ path, failure: failureOf(error, path) }));
      }
      // One file may have ended the engine: each is asked for on its own, so that it alone is left out.
      const single: Scanned[] = [];
      for (const path of paths) single.push(...(await this.#scan([path])));
      return single;
    }
  }

  async #ready(
    scanned: Scanned,
    siblings: ReadonlySet<string>,
    changed: ReadonlyMap<string, Lora>,
  ): Promise<Ready | null> {
    const { path } = scanned;
    if ("failure" in scanned) {
      this.#skip(path, scanned.failure.code, scanned.failure.message);
      return null;
    }
    const { inspection, modifiedAt } = scanned;
    return {
      path,
      inspection,
      modifiedAt,
      text: await textBeside(path, siblings),
      picture: pictureBeside(path, siblings) ?? (hasPicture(inspection) ? "embedded" : null),
      changed: changed.get(path),
    };
  }

  /** Call inside a transaction. */
  #insert(ready: Ready): void {
    const { records, collections } = this.#services;
    const { path, inspection, modifiedAt, changed } = ready;
    let place: { seq: number; id: string };
    let name: string;
    if (changed === undefined) {
      name = this.#names.take(nameOf(path));
      place = records.insertFile({
        ...said(ready),
        name,
        path,
        modifiedAt,
        inspection,
        storage: this.#storage(path),
        recipe: recipeIn(inspection),
        picture: ready.picture,
        job: this.#context.id,
      });
    } else {
      ({ name } = changed);
      place = changed;
      records.replaceFile(changed.seq, inspection, modifiedAt);
      records.notePlace(changed.seq, path, inspection.bytes, modifiedAt);
    }
    if (this.#collection !== null) collections.join(this.#collection, place.seq);
    this.#tell({ ...inspection, id: place.id, name, path });
  }

  /** An upload lies in the library's own staging folder, which is swept: it must be copied. */
  #storage(path: string): NewFile["storage"] {
    const copied = this.#data.storage === "copy" || isInside(this.#shelf.folders.staging, path);
    return copied ? "copied" : "referenced";
  }

  /** Files met before, unchanged since, need no reading at all. */
  async #isKnown(path: string, changed: Map<string, Lora>): Promise<boolean> {
    const { root, staging } = this.#shelf.folders;
    if (isInside(root, path) && !isInside(staging, path)) {
      this.#skip(path, "already-exists", `${path} belongs to the library itself.`);
      return true;
    }
    const { database } = this.#shelf;
    const row = database
      .statement("select lora, bytes, modified_at from places where path = ?")
      .get(path);
    if (row === undefined) return false;
    const place = Place.parse(row);
    const lora = this.#services.records.bySeq(place.lora);
    if (lora === undefined) return false;
    let status;
    try {
      status = await stat(path);
    } catch {
      return false; // the scan says what is wrong with it
    }
    if (status.size !== place.bytes || Math.round(status.mtimeMs) !== place.modified_at) {
      // A copy keeps what it was; the changed original is a new identity. A referenced file is the same one, renewed.
      if (lora.storage === "referenced" && lora.path === path) changed.set(path, lora);
      return false;
    }
    this.#meetAgain(lora, path);
    return true;
  }

  #meetAgain(lora: Lora, path: string): void {
    const { database } = this.#shelf;
    const { collections, trash, records } = this.#services;
    const job = database.column("select job from loras where seq = ?").get(lora.seq);
    database.transaction(() => {
      if (lora.deleted_at !== null) trash.restoreRow(lora.seq);
      if (this.#collection !== null) collections.join(this.#collection, lora.seq);
      // The user now wants a copy of what was only referred to; a file that failed may be well again.
      const copy = lora.storage === "referenced" && this.#storage(path) === "copied";
      if (copy)
        database.statement("update loras set storage = 'copied' where seq = ?").run(lora.seq);
      if (copy || lora.state === "failed") {
        database.statement("update loras set state = 'unread' where seq = ?").run(lora.seq);
      }
    });
    // Restored from the trash, or brought by this very job before it was interrupted: imported, not skipped.
    if (lora.deleted_at !== null || job === this.#context.id) {
      this.#tell({ ...records.details(lora.id), path });
    } else {
      this.#skip(path, "already-exists", `Already in the library as "${lora.name}".`, lora.id);
    }
  }

  #tell(entry: ImportResult["imported"][number]): void {
    this.#result.importedCount += 1;
    if (this.#result.imported.length >= mostListed) return;
    const { id, name, dialect, family, modules, matched, total, path } = entry;
    this.#result.imported.push({ id, name, dialect, family, modules, matched, total, path });
  }

  #skip(path: string, code: string, reason: string, id?: string): void {
    this.#result.skippedCount += 1;
    if (this.#result.skipped.length >= mostListed) return;
    this.#result.skipped.push({ path, code, reason, ...(id === undefined ? {} : { id }) });
  }
}

const Place = z.object({ lora: z.int(), bytes: z.number(), modified_at: z.number() });

/** What the header and the files beside it say; the user's own sidecars first. */
function said({ inspection, text }: Ready): Omit<Said, "name"> {
  const { metadata } = inspection;
  const notes = metadata["modelspec.description"] ?? metadata["ssmd_description"] ?? "";
  const words = text?.triggerWords ?? [];
  return {
    notes: text !== null && text.notes !== "" ? text.notes : notes.slice(0, 20_000),
    triggerWords: words.length > 0 ? words : inspection.triggerWords,
    preferredWeight: text?.preferredWeight ?? null,
    tags: text?.tags ?? [],
    favourite: text?.favourite ?? false,
  };
}

function recipeIn(inspection: Inspection): RecipeRecord | null {
  const text = inspection.metadata["facet.recipe"];
  if (text === undefined) return null;
  try {
    return RecipeRecord.parse(JSON.parse(text));
  } catch {
    return null; // of a later Facet, or edited by hand: the file is a LoRA all the same
  }
}
