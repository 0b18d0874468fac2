/** Puts one identity back into the database from its record on disk. */
import type { Inspection } from "../../src-preload/contract/lora.ts";
import type { Database } from "./database.ts";
import type { ItemRecord } from "./item-record.ts";
import type { Records } from "./records.ts";
import { moveWords } from "./words.ts";

export interface Restored {
  /** Null where only the file is left. */
  readonly record: ItemRecord | null;
  /** The header as it is now; null where the file is gone or this is a recipe. */
  readonly inspection: Inspection | null;
  readonly modifiedAt: number;
  /** Why the header could not be read. */
  readonly failure: string | null;
  readonly blob: string | null;
  readonly companion: string;
  readonly file: string | null;
  readonly name: string;
}

/** Call inside a transaction. */
export function restoreItem(database: Database, records: Records, item: Restored): void {
  const { record } = item;
  const said = {
    name: item.name,
    ...(record === null
      ? { triggerWords: item.inspection?.triggerWords ?? [] }
      : {
          id: record.id,
          favourite: record.favourite,
          rating: record.rating,
          notes: record.notes,
          triggerWords: record.triggerWords,
          preferredWeight: record.preferredWeight,
          tags: record.tags,
          createdAt: record.createdAt,
        }),
  };
  if (record?.kind === "recipe" && record.recipe !== null) {
    const { seq } = records.insertRecipe({
      ...said,
      record: record.recipe,
      rank: record.rank,
      modules: record.modules,
      parameters: record.parameters,
      sketch: record.sketch ?? "",
      norm: record.norm ?? 0,
      preview: record.preview,
    });
    restoreRest(database, seq, record);
    return;
  }
  const inspection = item.inspection ?? record?.inspection;
  const path = record?.path ?? item.file;
  if (inspection == null || path === null) return;
  const { seq } = records.insertFile({
    ...said,
    path,
    modifiedAt: record?.modifiedAt ?? item.modifiedAt,
    inspection,
    storage: item.blob === null ? "referenced" : "copied",
    recipe: record?.recipe ?? null,
  });
  // What insertFile noted as the place: a file inside the library is nobody's original.
  database.statement("delete from places where lora = ?").run(seq);
  database
    .statement("update loras set blob = ?, companion = ?, path = ? where seq = ?")
    .run(item.blob, item.companion, record === null ? null : record.path, seq);
  if (record !== null) restoreRest(database, seq, record);
  if (record?.sketch != null && record.sha256 !== null) {
    database
      .statement(
        `update or ignore loras set state = 'read', sha256 = ?, companion = ?, fingerprint = ? where seq = ?`,
      )
      .run(record.sha256, record.companion, record.fingerprint, seq);
    records.setSketch(seq, record.sketch, record.norm ?? 0);
  }
  if (item.failure !== null) {
    database
      .statement("update loras set state = 'failed', trouble = ? where seq = ?")
      .run(item.failure, seq);
  }
}

function restoreRest(database: Database, seq: number, record: ItemRecord): void {
  database.statement("update loras set preview = ? where seq = ?").run(record.preview, seq);
  for (const { path, bytes, modifiedAt } of record.places) {
    database
      .statement(
        "insert or ignore into places (path, lora, bytes, modified_at) values (?, ?, ?, ?)",
      )
      .run(path, seq, bytes, modifiedAt);
  }
  for (const alias of record.aliases) {
    database.statement("insert or ignore into aliases (id, lora) values (?, ?)").run(alias, seq);
  }
  for (const collection of record.collections) {
    database
      .statement(
        `insert or ignore into members (collection, lora)
         select c.seq, ? from collections c where c.id = ?`,
      )
      .run(seq, collection);
  }
  if (record.deletedAt === null) return;
  database.statement("update loras set deleted_at = ? where seq = ?").run(record.deletedAt, seq);
  moveWords(database, seq, "trash");
}
