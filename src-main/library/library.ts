/** The library: every LoRA and every identity made here, what is said of them, and the work that keeps it in order. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import type {
  Card,
  Changes as Edit,
  Collection,
  Details,
  Filter,
  ImportResult,
  Neighbour,
  Overview,
  Storage,
} from "../../src-preload/contract/library.ts";
import { ImportResult as ImportResultSchema } from "../../src-preload/contract/library.ts";
import type { Inspection } from "../../src-preload/contract/lora.ts";
import type { RecipeRecord } from "../../src-preload/contract/recipe.ts";
import type { Settings } from "../../src-preload/contract/system.ts";
import { Jobs } from "../jobs/jobs.ts";
import { sweepStaging } from "./blobs.ts";
import { Changes } from "./changes.ts";
import { checkFiles } from "./check-files.ts";
import { Collections } from "./collections.ts";
import type { Database } from "./database.ts";
import { blobFile, foldersOf, previewFile } from "./folders.ts";
import { ImportData, runImport } from "./import-job.ts";
import { Mirror } from "./mirror.ts";
import { ModelRows } from "./model-rows.ts";
import { Neighbours } from "./neighbours.ts";
import { openDatabase } from "./open.ts";
import { overviewOf } from "./overview.ts";
import { Previews } from "./previews.ts";
import { ReadResult, runRead, unreadCount } from "./read-job.ts";
import { RebuildResult, runRebuild } from "./rebuild-job.ts";
import { keepRecipe, type Made } from "./recipes.ts";
import { Records } from "./records.ts";
import { Search } from "./search.ts";
import { readSettings, recall, remember, writeSettings } from "./settings.ts";
import type { LibraryEngine, Log, Shelf } from "./shelf.ts";
import { SpaceRows } from "./space-rows.ts";
import { Trash } from "./trash.ts";
import { defineSegmented } from "./words.ts";

/** A command that is over in a moment does not begin to read the library's files. */
const readDelayMs = 2000;

export interface LibraryOptions {
  /** Made where there is none. */
  readonly folder: string;
  /** The background engine. */
  readonly engine: LibraryEngine;
  readonly log?: Log;
}

/** What an identity is made from. */
export type LibrarySource =
  | { readonly kind: "file"; readonly path: string; readonly dataSha256?: string }
  | { readonly kind: "recipe"; readonly record: RecipeRecord };

/** Opens the library and the jobs that live in its database. */
export async function openLibrary(
  options: LibraryOptions,
): Promise<{ library: Library; jobs: Jobs }> {
  const folder = resolve(options.folder);
  const folders = foldersOf(folder);
  const database = await openDatabase(folders.database, { backups: folders.backups });
  defineSegmented(database);
  const shelf: Shelf = {
    database,
    folders,
    engine: options.engine,
    jobs: new Jobs(database),
    changes: new Changes(database),
    log: options.log ?? (() => undefined),
  };
  return { library: new Library(shelf), jobs: shelf.jobs };
}

export class Library {
  readonly folder: string;
  readonly spaces: SpaceRows;
  readonly models: ModelRows;
  readonly #shelf: Shelf;
  readonly #database: Database;
  readonly #records: Records;
  readonly #search: Search;
  readonly #collections: Collections;
  readonly #trash: Trash;
  readonly #previews: Previews;
  readonly #mirror: Mirror;
  readonly #neighbours: Neighbours;
  readonly #stopListening: () => void;
  #readTimer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  #closed = false;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
    this.#database = shelf.database;
    this.folder = shelf.folders.root;
    this.spaces = new SpaceRows(shelf);
    this.models = new ModelRows(shelf.database);
    this.#records = new Records(shelf);
    this.#search = new Search(shelf.database, shelf.changes);
    this.#mirror = new Mirror(shelf);
    this.#collections = new Collections(shelf, this.#records, this.#mirror);
    this.#trash = new Trash(shelf, this.#records, this.#mirror);
    this.#previews = new Previews(shelf, this.#records);
    this.#neighbours = new Neighbours(shelf);
    this.#defineJobs();
    // Also after another process (the command line) has put something in.
    this.#stopListening = shelf.changes.listen(() => this.#readSoon());
    this.#readSoon();
  }

  get sqliteVersion(): string {
    return String(this.#database.column("select sqlite_version()").get());
  }

  /** The newest migration that the file has. */
  get schemaVersion(): string {
    return String(
      this.#database.column("select id from migrations order by rowid desc limit 1").get(),
    );
  }

  list(
    filter: z.input<typeof Filter>,
    page: { offset: number; limit: number } = { offset: 0, limit: 200 },
  ): { total: number; cards: Card[] } {
    return this.#search.list(filter, page.offset, page.limit);
  }

  ids(filter: z.input<typeof Filter>): string[] {
    return this.#search.ids(filter);
  }

  has(id: string): boolean {
    return this.#records.find(id) !== undefined;
  }

  get(id: string): Details {
    return this.#records.details(id);
  }

  update(ids: readonly string[], changes: Edit): Promise<number> {
    return this.#records.update(ids, changes);
  }

  overview(): Overview {
    return overviewOf(this.#database, this.#collections);
  }

  /** Starts an import. @returns The job. */
  import(request: {
    paths: readonly string[];
    storage?: z.infer<typeof Storage> | undefined;
    collection?: string | undefined;
  }): string {
    if (request.collection !== undefined) this.#collections.require(request.collection);
    const data: ImportData = {
      paths: request.paths.map((path) => resolve(path)),
      storage: request.storage ?? this.settings().storage,
      collection: request.collection ?? null,
    };
    const [first = ""] = data.paths;
    const title =
      data.paths.length === 1 ? `Import ${first}` : `Import ${data.paths.length} files and folders`;
    return this.#shelf.jobs.start("import", title, data);
  }

  /** What the header of any file says, in the library or not. */
  async inspect(path: string): Promise<Inspection> {
    const [scanned] = await this.#shelf.engine.scan({ paths: [resolve(path)] });
    if (scanned !== undefined && !("failure" in scanned)) return scanned.inspection;
    const failure = scanned?.failure ?? {
      code: "not-readable",
      message: `${path} gave no answer.`,
    };
    throw new FacetError(failure.code as FacetError["code"], failure.message, {
      path,
      field: scanned?.failure.field,
    });
  }

  remove(ids: readonly string[]): Promise<number> {
    return this.#trash.remove(ids);
  }

  restore(ids: readonly string[]): Promise<number> {
    return this.#trash.restore(ids);
  }

  emptyTrash(): Promise<number> {
    return this.#trash.empty();
  }

  similar(id: string, limit: number): Promise<Neighbour[]> {
    return this.#neighbours.similar(this.#records.require(id).seq, limit);
  }

  duplicates(threshold: number, signal?: AbortSignal): Promise<Neighbour[][]> {
    return this.#neighbours.duplicates(threshold, signal);
  }

  createCollection(name: string): Collection {
    return this.#collections.create(name);
  }

  renameCollection(id: string, name: string): Collection {
    return this.#collections.rename(id, name);
  }

  removeCollection(id: string): Promise<boolean> {
    return this.#collections.remove(id);
  }

  addToCollection(id: string, ids: readonly string[]): Promise<Collection> {
    return this.#collections.add(id, ids);
  }

  removeFromCollection(id: string, ids: readonly string[]): Promise<Collection> {
    return this.#collections.removeFrom(id, ids);
  }

  setPreview(id: string, picture: string | null): Promise<string | null> {
    return this.#previews.set(id, picture);
  }

  /** Where an identity's picture lies; null where it has none. */
  previewFile(id: string): string | null {
    const { preview } = this.#records.require(id);
    return preview === null ? null : previewFile(this.#shelf.folders, preview);
  }

  /** Makes rows again from the library's files. @returns The job. */
  rebuild(): string {
    return this.#shelf.jobs.start("rebuild", "Rebuild the library from its files", {});
  }

  watch(signal?: AbortSignal): AsyncGenerator<{ revision: number }> {
    return this.#shelf.changes.watch(signal);
  }

  /** The file or the recipe behind an identity, also behind one in the trash. */
  sourceOf(id: string): LibrarySource {
    const lora = this.#records.require(id);
    if (lora.kind === "recipe") {
      const { recipe } = this.#records.details(id);
      if (recipe !== null) return { kind: "recipe", record: recipe };
    } else if (lora.blob !== null) {
      const path = blobFile(this.#shelf.folders, lora.blob);
      const { data_sha256: dataSha256 } = lora;
      return { kind: "file", path, ...(dataSha256 === null ? {} : { dataSha256 }) };
    } else if (lora.path !== null) {
      return { kind: "file", path: lora.path };
    }
    throw new FacetError("not-found", `The file of "${lora.name}" is gone. Import it again.`, {
      field: id,
    });
  }

  /** SHA-256 over an identity's matrices; null while its file was not read yet. */
  fingerprintOf(id: string): string | null {
    return this.#records.require(id).fingerprint;
  }

  /** Id of the identity with these matrices. */
  byFingerprint(fingerprint: string): string | null {
    return this.#records.byFingerprint(fingerprint)?.id ?? null;
  }

  /** Keeps an identity that was made here; it has the trigger words of those it was made from. */
  addRecipe(record: RecipeRecord, made: Made): string {
    const id = keepRecipe(this.#database, this.#records, record, made);
    this.#shelf.changes.made();
    return id;
  }

  settings(): Settings {
    return readSettings(this.#database);
  }

  saveSettings(settings: Settings): Settings {
    return writeSettings(this.#database, settings);
  }

  remember(key: string, value: unknown): void {
    remember(this.#database, key, value);
  }

  recall(key: string): unknown {
    return recall(this.#database, key);
  }

  /** Resolves when every imported file was read (copied, hashed) or failed to be, and all is written to disk. */
  async settled(): Promise<void> {
    while (unreadCount(this.#shelf) > 0) {
      const job = this.#startReading();
      if (job === null) break;
      const ended = await this.#shelf.jobs.ended(job);
      if (ended.state !== "done") break;
    }
    await this.#mirror.flush();
  }

  /** Close the jobs first: they write here until they have stopped. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    clearTimeout(this.#readTimer);
    await this.#shelf.jobs.close();
    await this.#checking;
    await this.#mirror.close();
    await this.#neighbours.close();
    this.#shelf.changes.close();
    this.#database.pragma("optimize");
    this.#database.close();
  }

  #defineJobs(): void {
    const { jobs } = this.#shelf;
    const services = {
      shelf: this.#shelf,
      records: this.#records,
      collections: this.#collections,
      trash: this.#trash,
      previews: this.#previews,
    };
    jobs.define("import", {
      data: ImportData,
      result: ImportResultSchema,
      run: async (context, data): Promise<ImportResult> => {
        this.#neighbours.wake();
        const result = await runImport(services, context, data);
        this.#readSoon(0);
        return result;
      },
    });
    jobs.define("read", {
      data: z.object({}),
      result: ReadResult,
      run: async (context) => {
        this.#neighbours.wake();
        // No other job of this kind runs now, in this process or another: what it staged is nobody's.
        await sweepStaging(this.#shelf.folders, (folder) => this.#isAwaited(folder));
        return runRead(services, context);
      },
    });
    jobs.define("rebuild", {
      data: z.object({}),
      result: RebuildResult,
      run: async (context) => {
        this.#neighbours.wake();
        const result = await runRebuild(services, context);
        this.#readSoon(0);
        return result;
      },
    });
  }

  #readSoon(delay = readDelayMs): void {
    if (this.#closed || (this.#readTimer !== undefined && delay > 0)) return;
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => {
      this.#readTimer = undefined;
      if (this.#closed) return;
      this.#checking ??= this.#checkFiles();
      if (unreadCount(this.#shelf) > 0) this.#startReading();
    }, delay).unref();
  }

  /** Once for each time the library is opened. */
  async #checkFiles(): Promise<void> {
    const between = () => {
      if (this.#closed) throw new FacetError("cancelled", "The library was closed.");
    };
    try {
      await checkFiles(this.#shelf, { retry: false, between });
    } catch (error) {
      if (!this.#closed) this.#shelf.log("Could not look after the library's files", error);
    }
  }

  /** The job that reads, started where none is under way. Null where the user stopped it. */
  #startReading(): string | null {
    const { jobs } = this.#shelf;
    const all = jobs.list().filter((job) => job.kind === "read");
    const under = all.find(({ state }) => ["queued", "running", "paused"].includes(state));
    if (under !== undefined) return under.id;
    // One line for this work in the list of jobs, not one for each time it had something to do.
    for (const { id } of all) jobs.dismiss(id);
    return jobs.start("read", "Read new files", {});
  }

  #isAwaited(folder: string): boolean {
    const row = this.#database
      .column("select 1 from loras where path >= ? and path < ? and blob is null limit 1")
      .get(join(folder, "/"), `${folder}\uffff`);
    return row !== undefined;
  }
}
