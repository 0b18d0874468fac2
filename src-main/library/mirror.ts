/** Writes what the user added beside the files it belongs to, some time after an edit, so that rows can be made again. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { blobFolder, blobRecordName, recipeFile, referenceFile, shardOf } from "./folders.ts";
import { newId } from "./ids.ts";
import { recordOf } from "./item-record.ts";
import { type Lora, loraColumns, toLora } from "./rows.ts";
import type { Shelf } from "./shelf.ts";
import { inSlices } from "./slices.ts";
import { spaceRecords } from "./space-rows.ts";

/** An edit is written when this long no other came, and at the latest after `longestWaitMs`. */
const quietMs = 1500;
const longestWaitMs = 60_000;
/** Records made between two turns of the event loop. */
const perTurn = 16;
/** A closing library writes no longer than this; what is left is known by its rows and written after the next start. */
const closingMs = 2000;

export class Mirror {
  readonly #shelf: Shelf;
  readonly #stopListening: () => void;
  #collections = true;
  #timer: NodeJS.Timeout | undefined;
  #waitingSince: number | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
    this.#stopListening = shelf.changes.listen(() => this.#schedule());
    const left = shelf.database.column("select 1 from loras where unsaved > 0 limit 1").get();
    if (left !== undefined) this.#schedule();
  }

  collectionsChanged(): void {
    this.#collections = true;
  }

  /** Writes everything that is not written yet, or as much of it as there is time for. */
  flush(ms = Number.POSITIVE_INFINITY): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waitingSince = undefined;
    this.#writing = this.#writing
      .then(() => this.#write(performance.now() + ms))
      .catch((error: unknown) => {
        this.#shelf.log("Could not write the copies of the library's records", error);
      });
    return this.#writing;
  }

  /** After an erasure: shards without the rows that are gone. */
  async forget(erased: readonly Lora[]): Promise<void> {
    for (const shard of new Set(erased.map((lora) => shardOf(lora.id)))) {
      await this.#writeShard(shard);
    }
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.flush(closingMs);
  }

  #schedule(): void {
    const now = Date.now();
    this.#waitingSince ??= now;
    clearTimeout(this.#timer);
    const wait = Math.min(quietMs, Math.max(0, this.#waitingSince + longestWaitMs - now));
    this.#timer = setTimeout(() => void this.flush(), wait).unref();
  }

  async #write(deadline: number): Promise<void> {
    const { database, folders } = this.#shelf;
    if (!database.open) return;
    if (this.#collections) {
      this.#collections = false;
      const all = database.statement("select id, name from collections order by id").all();
      await writeWhole(folders.collections, `${JSON.stringify(all, null, 1)}\n`);
    }
    for (const { id, text } of spaceRecords(database)) {
      await writeWhole(join(folders.spaces, `${id}.json`), text);
    }
    // A copied file without its copy yet has no folder to write to; reading it makes one.
    const page = database.statement(
      `select ${loraColumns} from loras l where l.unsaved > 0 and l.seq > ?
         and (l.storage <> 'copied' or l.blob is not null) order by l.seq limit 100`,
    );
    const shards = new Map<string, Lora[]>();
    let last = 0;
    while (performance.now() < deadline) {
      const rows = page.all(last).map(toLora);
      if (rows.length === 0) break;
      last = rows.at(-1)?.seq ?? last;
      const written: Lora[] = [];
      for (const lora of rows) {
        if (lora.storage === "referenced") {
          const shard = shards.get(shardOf(lora.id));
          if (shard === undefined) shards.set(shardOf(lora.id), [lora]);
          else shard.push(lora);
        } else if (await this.#writeItem(lora)) {
          written.push(lora);
        }
      }
      await this.#saved(written);
      await setImmediate();
    }
    for (const [shard, rows] of shards) {
      if (performance.now() >= deadline) return;
      await this.#writeShard(shard);
      await this.#saved(rows);
    }
  }

  async #writeItem(lora: Lora): Promise<boolean> {
    const { database, folders } = this.#shelf;
    const record = recordOf(database, lora.seq);
    if (record === null) return false;
    const to =
      lora.blob === null
        ? recipeFile(folders, lora.id)
        : join(blobFolder(folders, lora.blob), blobRecordName);
    // A copy whose folder is gone stays gone: a folder with a record alone would look like a copy.
    if (lora.blob === null) await mkdir(dirname(to), { recursive: true });
    try {
      await replace(to, JSON.stringify(record, null, 1));
      return true;
    } catch (error) {
      this.#shelf.log(`Could not write ${to}`, error);
      return false;
    }
  }

  async #writeShard(shard: string): Promise<void> {
    const { database, folders } = this.#shelf;
    const seqs = database
      .column("select seq from loras where storage = 'referenced' and id >= ? and id < ?")
      .all(shard, `${shard}\uffff`)
      .map(Number);
    const file = referenceFile(folders, shard);
    if (seqs.length === 0) {
      await rm(file, { force: true });
      return;
    }
    const lines: string[] = [];
    for (const [index, seq] of seqs.entries()) {
      if (index % perTurn === perTurn - 1) await setImmediate();
      const record = recordOf(database, seq);
      if (record !== null) lines.push(JSON.stringify(record));
    }
    await writeWhole(file, `${lines.join("\n")}\n`);
  }

  /** An edit made while its record was written counts anew. */
  async #saved(rows: readonly Lora[]): Promise<void> {
    await inSlices(this.#shelf.database, rows, ({ seq, unsaved }) => {
      this.#shelf.database
        .statement("update loras set unsaved = unsaved - ? where seq = ?")
        .run(unsaved, seq);
    });
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await replace(file, text);
}

/** A reader sees the old text or the new one, never a part. */
async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${newId()}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
