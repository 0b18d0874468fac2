/**
 * Makes rows again from the files of the library, both ways: files without a row get one, rows without their file say
 * so. After the loss of facet.sqlite that is everything; at any other time it mends what is out of step.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import type { Scanned } from "../../src-preload/contract/engine.ts";
import { Skipped } from "../../src-preload/contract/library.ts";
import { hashFile } from "../files/hash.ts";
import { failureOf } from "../jobs/failure.ts";
import type { JobContext } from "../jobs/jobs.ts";
import { fileIn } from "./blobs.ts";
import { checkFiles } from "./check-files.ts";
import { blobFile, blobRecordName, companionName } from "./folders.ts";
import { ItemRecord } from "./item-record.ts";
import { nameOf } from "./names.ts";
import type { Records } from "./records.ts";
import { restoreItem } from "./restore-item.ts";
import type { Shelf } from "./shelf.ts";
import { inSlices } from "./slices.ts";
import { insertSpace, SpaceRecord } from "./space-rows.ts";

const batchFiles = 64;

export const RebuildResult = z.object({
  /** Rows made again. */
  restored: z.int(),
  spaces: z.int(),
  /** Rows whose file is gone. */
  missing: z.int(),
  failed: z.array(Skipped),
});
export type RebuildResult = z.infer<typeof RebuildResult>;

/** One identity found on disk: what is known of it, and the file that is scanned again. */
interface Item {
  readonly record: ItemRecord | null;
  /** Null for a recipe, which has no file. */
  readonly file: string | null;
  readonly blob: string | null;
  readonly createdAt: number;
}

export function runRebuild(
  services: { shelf: Shelf; records: Records },
  context: JobContext,
): Promise<RebuildResult> {
  return new Rebuild(services, context).run();
}

class Rebuild {
  readonly #shelf: Shelf;
  readonly #records: Records;
  readonly #context: JobContext;
  readonly #result: RebuildResult = { restored: 0, spaces: 0, missing: 0, failed: [] };

  constructor(services: { shelf: Shelf; records: Records }, context: JobContext) {
    this.#shelf = services.shelf;
    this.#records = services.records;
    this.#context = context;
  }

  async run(): Promise<RebuildResult> {
    this.#context.progress({ unit: "items", step: "Looking through the library's folders" });
    await this.#collections();
    await this.#spaces();
    const items = [
      ...(await this.#copies()),
      ...(await this.#recipes()),
      ...(await this.#references()),
    ];
    // In their old order of arrival, which is what "newest" goes by.
    items.sort(
      (a, b) => a.createdAt - b.createdAt || (a.record?.arrival ?? 0) - (b.record?.arrival ?? 0),
    );
    for (let from = 0; from < items.length; from += batchFiles) {
      await this.#context.paused();
      await this.#restore(items.slice(from, from + batchFiles));
      this.#context.progress({ done: from, total: items.length, step: "Making rows again" });
    }
    // The other way: rows whose file is not there. What failed once is tried again.
    this.#result.missing = await checkFiles(this.#shelf, {
      retry: true,
      between: () => this.#context.paused(),
    });
    this.#shelf.changes.made();
    return this.#result;
  }

  async #collections(): Promise<void> {
    const { database, folders } = this.#shelf;
    const text = await readFile(folders.collections, "utf8").catch(() => "[]");
    const parsed = z
      .array(z.object({ id: z.string(), name: z.string() }))
      .safeParse(parseJson(text));
    for (const { id, name } of parsed.data ?? []) {
      database
        .statement("insert or ignore into collections (id, name) values (?, ?)")
        .run(id, name);
    }
  }

  async #spaces(): Promise<void> {
    const { database, folders } = this.#shelf;
    const known = new Set(database.column("select id from spaces").all());
    for (const name of await list(folders.spaces)) {
      const id = name.replace(/\.(json|safetensors)$/, "");
      if (id === name || known.has(id)) continue;
      try {
        insertSpace(database, await this.#spaceRecord(id));
        known.add(id);
        this.#result.spaces += 1;
      } catch (error) {
        this.#failed(join(folders.spaces, name), error);
      }
    }
  }

  async #spaceRecord(id: string): Promise<SpaceRecord> {
    const { folders, engine } = this.#shelf;
    const text = await readFile(join(folders.spaces, `${id}.json`), "utf8").catch(() => "");
    const stored = SpaceRecord.safeParse(parseJson(text));
    if (stored.success) return stored.data;
    const file = join(folders.spaces, `${id}.safetensors`);
    const { size, mtimeMs } = await stat(file);
    const header = await engine.openSpace({ space: file });
    return {
      version: 1,
      id,
      name: id,
      kind: "pca",
      form: header.form,
      family: header.family,
      modules: header.modules,
      members: header.members.length,
      dimension: header.dimension,
      components: header.components,
      rank: header.rank,
      created_at: Math.round(mtimeMs),
      bytes: size,
      // What the fit stored: the hash of the space's file.
      fingerprint: (await hashFile(file, this.#context.signal)).sha256,
      file: join("spaces", basename(file)),
      deleted_at: null,
      descriptions: [],
    };
  }

  async #copies(): Promise<Item[]> {
    const { database, folders } = this.#shelf;
    const known = new Set(
      database
        .column("select blob from loras where blob is not null")
        .all()
        .map((blob) => String(blob).split("/")[0]),
    );
    const items: Item[] = [];
    for (const shard of await list(folders.blobs)) {
      for (const key of await list(join(folders.blobs, shard))) {
        await this.#context.paused();
        if (known.has(key)) continue;
        const folder = join(folders.blobs, shard, key);
        const name = await fileIn(folder);
        if (name === null) continue;
        const record = await readRecord(join(folder, blobRecordName));
        const blob = `${key}/${name}`;
        items.push({
          record,
          file: blobFile(folders, blob),
          blob,
          createdAt: record?.createdAt ?? Date.now(),
        });
      }
    }
    return items;
  }

  async #recipes(): Promise<Item[]> {
    const items: Item[] = [];
    for (const name of await list(this.#shelf.folders.recipes)) {
      if (!name.endsWith(".json")) continue;
      const path = join(this.#shelf.folders.recipes, name);
      const record = await readRecord(path);
      if (record?.recipe == null)
        this.#failed(path, new Error(`${path} is not a recipe's record.`));
      else items.push({ record, file: null, blob: null, createdAt: record.createdAt });
    }
    return items;
  }

  async #references(): Promise<Item[]> {
    const items: Item[] = [];
    for (const name of await list(this.#shelf.folders.references)) {
      if (!name.endsWith(".jsonl")) continue;
      const path = join(this.#shelf.folders.references, name);
      const lines = (await readFile(path, "utf8")).split("\n");
      for (const [index, line] of lines.entries()) {
        if (index % 32 === 31) await setImmediate();
        if (line === "") continue;
        const parsed = ItemRecord.safeParse(parseJson(line));
        if (parsed.success) {
          const record = parsed.data;
          items.push({ record, file: record.path, blob: null, createdAt: record.createdAt });
        } else {
          this.#failed(path, new Error(`Line ${index + 1} of ${path} is not a record.`));
        }
      }
    }
    return items;
  }

  async #restore(batch: readonly Item[]): Promise<void> {
    const known = (id: string) => this.#records.find(id) !== undefined;
    const unknown = batch.filter(({ record }) => record === null || !known(record.id));
    const paths = unknown.flatMap(({ file }) => (file === null ? [] : [file]));
    const scanned = new Map<string, Scanned>();
    if (paths.length > 0) {
      const answers = await this.#shelf.engine.scan({ paths }, { signal: this.#context.signal });
      for (const answer of answers) scanned.set(answer.path, answer);
    }
    const ready: { item: Item; answer: Scanned | undefined; hash: string | null }[] = [];
    for (const item of unknown) {
      const answer = item.file === null ? undefined : scanned.get(item.file);
      if (item.record === null && (answer === undefined || "failure" in answer)) {
        this.#failed(item.file ?? "", new Error(answer?.failure.message ?? "It cannot be read."));
      } else {
        ready.push({ item, answer, hash: item.record === null ? await hashOf(item) : null });
      }
    }
    await inSlices(this.#shelf.database, ready, ({ item, answer, hash }) => {
      const good = answer !== undefined && !("failure" in answer) ? answer : null;
      const { inspection = null } = good ?? {};
      const name = nameFor(item, inspection?.title);
      restoreItem(this.#shelf.database, this.#records, {
        record: item.record,
        inspection,
        modifiedAt: good?.modifiedAt ?? 0,
        failure: answer !== undefined && "failure" in answer ? answer.failure.message : null,
        blob: item.blob,
        companion: hash ?? "",
        file: item.file,
        name,
      });
      this.#result.restored += 1;
    });
  }

  #failed(path: string, error: unknown): void {
    const { code, message } = failureOf(error);
    this.#result.failed.push({ path, code, reason: message });
  }
}

/** Without its record the folder's name is all that tells the content. */
async function hashOf(item: Item): Promise<string> {
  const key = item.blob?.split("/")[0] ?? "";
  const companion = item.file === null ? "" : join(item.file, "..", companionName);
  return key.includes("-") && (await exists(companion)) ? key.slice(key.indexOf("-") + 1) : "";
}

function nameFor(item: Item, title: string | undefined): string {
  if (item.record !== null) return item.record.name;
  if (title !== undefined && title !== "") return title.slice(0, 200);
  return item.blob === null ? nameOf(item.file ?? "") : item.blob.slice(0, 12);
}

async function readRecord(path: string): Promise<ItemRecord | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return ItemRecord.safeParse(parseJson(text)).data ?? null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function list(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith(".")).toSorted();
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
