/** Base models as rows: what was found at a path, what the user chose for it, and which places they named. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { ModelFile } from "../../src-preload/contract/engine.ts";
import type { Database } from "./database.ts";

/**
 * Version of what looks into files (the engine's describeModel). Raise it whenever it learns to see more: what an
 * earlier one saw, refusals above all, is then looked at again.
 */
const reader = 1;

const Row = z.object({
  path: z.string(),
  id: z.string(),
  stamp: z.string(),
  bytes: z.number(),
  modified_at: z.number(),
  source: z.string(),
  file: z.string().nullable(),
  reader: z.number(),
  sha256: z.string().nullable(),
  hashed_stamp: z.string().nullable(),
  vae: z.string().nullable(),
  text_from: z.string().nullable(),
  licence: z.string().nullable(),
  used_at: z.number().nullable(),
});
const select = `select ${Object.keys(Row.shape).join(", ")} from models`;

/** What a look at the disk says of a path, before anything is opened. */
export interface ModelStatus {
  readonly path: string;
  /** The same as long as its files are: sizes and times. */
  readonly stamp: string;
  readonly bytes: number;
  /** Milliseconds. */
  readonly modifiedAt: number;
  readonly source: string;
}

export interface ModelRow extends ModelStatus {
  readonly id: string;
  /** Null where nothing of it could be read yet. */
  readonly file: ModelFile | null;
  /** True where this Facet itself looked into it; else it should do so once it can. */
  readonly current: boolean;
  /** Of the files as the stamp knows them; null where they were not hashed or changed since. */
  readonly sha256: string | null;
  readonly vae: string | null;
  readonly textFrom: string | null;
  readonly licence: string | null;
  readonly usedAt: number | null;
}

export interface ModelChoices {
  readonly vae?: string | null | undefined;
  readonly textFrom?: string | null | undefined;
  readonly licence?: string | null | undefined;
}

/** Twelve digits of a hash of the path: the same at every start, on every machine with the same folders. */
export function modelIdOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 12);
}

export class ModelRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What turned out to be a model or a VAE, or tries to be one; folders may hold far more of other things. */
  all(): ModelRow[] {
    const sql = `${select} where kind <> 'other' order by path`;
    return this.#database.statement(sql).all().map(toRow);
  }

  /** Where a path was found last, where nothing of it changed since it was looked into; null where it must be again. */
  sourceIfKnown(path: string, stamp: string): string | null {
    const source = this.#database
      .column(
        "select source from models where path = ? and stamp = ? and reader = ? and file is not null",
      )
      .get(path, stamp, reader);
    return typeof source === "string" ? source : null;
  }

  foundThrough(path: string, source: string): void {
    this.#database.statement("update models set source = ? where path = ?").run(source, path);
  }

  byId(id: string): ModelRow | undefined {
    return this.#one("id", id);
  }

  byPath(path: string): ModelRow | undefined {
    return this.#one("path", path);
  }

  /** What a look found. What was said of other bytes at this path is forgotten, what the user chose stays. */
  found(status: ModelStatus, file: ModelFile): void {
    this.#database
      .statement(
        `insert into models (path, id, stamp, bytes, modified_at, source, kind, file, reader)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (path) do update set stamp = excluded.stamp, bytes = excluded.bytes,
           modified_at = excluded.modified_at, source = excluded.source, kind = excluded.kind,
           file = excluded.file, reader = excluded.reader`,
      )
      .run(
        status.path,
        modelIdOf(status.path),
        status.stamp,
        status.bytes,
        Math.round(status.modifiedAt),
        status.source,
        file.kind,
        JSON.stringify(file),
        reader,
      );
  }

  choose(id: string, { vae, textFrom, licence }: ModelChoices): void {
    const set = (column: string, value: string | null | undefined) => {
      if (value === undefined) return;
      this.#database.statement(`update models set ${column} = ? where id = ?`).run(value, id);
    };
    this.#database.transaction(() => {
      set("vae", vae);
      set("text_from", textFrom);
      set("licence", licence);
    });
  }

  hashed(id: string, stamp: string, sha256: string): void {
    this.#database
      .statement("update models set sha256 = ?, hashed_stamp = ? where id = ?")
      .run(sha256, stamp, id);
  }

  used(id: string, at: number): void {
    this.#database.statement("update models set used_at = ? where id = ?").run(at, id);
  }

  /** Forgets what was known of a path. */
  forget(path: string): void {
    this.#database.statement("delete from models where path = ?").run(path);
  }

  /** Files and folders that the user named, the first named first. */
  places(): string[] {
    const rows = this.#database.column("select path from model_places order by added_at, path");
    return rows.all().map(String);
  }

  addPlace(path: string): void {
    this.#database
      .statement("insert or ignore into model_places (path, added_at) values (?, ?)")
      .run(path, Date.now());
  }

  removePlace(path: string): boolean {
    return (
      this.#database.statement("delete from model_places where path = ?").run(path).changes > 0
    );
  }

  #one(column: "id" | "path", value: string): ModelRow | undefined {
    const row = this.#database.statement(`${select} where ${column} = ?`).get(value);
    return row === undefined ? undefined : toRow(row);
  }
}

function toRow(value: unknown): ModelRow {
  const row = Row.parse(value);
  return {
    path: row.path,
    id: row.id,
    stamp: row.stamp,
    bytes: row.bytes,
    modifiedAt: row.modified_at,
    source: row.source,
    file: row.file === null ? null : toFile(row.file),
    current: row.reader === reader,
    sha256: row.hashed_stamp === row.stamp ? row.sha256 : null,
    vae: row.vae,
    textFrom: row.text_from,
    licence: row.licence,
    usedAt: row.used_at,
  };
}

/** Null for what another Facet wrote in other words: it is looked into again. */
function toFile(text: string): ModelFile | null {
  const parsed = ModelFile.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}
