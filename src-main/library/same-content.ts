/** Two rows that turn out to be one file become one row; nothing that was said of either is lost. */
import type { Database } from "./database.ts";
import type { Records } from "./records.ts";
import type { Lora } from "./rows.ts";
import type { Trash } from "./trash.ts";
import { forgetWords, indexWords } from "./words.ts";

/** What the one that stays takes over where it has nothing of its own. */
const inherit = `update loras set
  favourite = max(loras.favourite, n.favourite),
  rating = iif(loras.rating = 0, n.rating, loras.rating),
  preferred_weight = coalesce(loras.preferred_weight, n.preferred_weight),
  picture = iif(loras.preview is null, coalesce(loras.picture, n.picture), loras.picture),
  preview = coalesce(loras.preview, n.preview)
  from (select * from loras where seq = ?) n where loras.seq = ?`;
const inheritTexts = `update texts set
  notes = iif(texts.notes = '', n.notes, texts.notes),
  triggers = iif(texts.triggers = '[]', n.triggers, texts.triggers)
  from (select * from texts where lora = ?) n where texts.lora = ?`;

/** The row that has this content already, in the trash or not. */
export function rowWithContent(
  database: Database,
  records: Records,
  content: { sha256: string; companion: string },
  except: number,
): Lora | undefined {
  const seq = database
    .column("select seq from loras where sha256 = ? and companion = ? and seq <> ?")
    .get(content.sha256, content.companion, except);
  return seq === undefined ? undefined : records.bySeq(Number(seq));
}

/** Call inside a transaction. `newcomer` is gone afterwards; its id leads to `keeper`. */
export function mergeInto(
  database: Database,
  services: { records: Records; trash: Trash },
  keeper: Lora,
  newcomer: Lora,
): void {
  const run = (sql: string) => database.statement(sql).run(newcomer.seq, keeper.seq);
  // Imported again: what lay in the trash is wanted after all.
  if (keeper.deleted_at !== null) services.trash.restoreRow(keeper.seq);
  run(inherit);
  run(inheritTexts);
  const move = (table: string, key: string) => {
    database
      .statement(
        `insert or ignore into ${table} (lora, ${key}) select ?, ${key} from ${table} where lora = ?`,
      )
      .run(keeper.seq, newcomer.seq);
    // By itself and first: a row that goes with its identity does not count down.
    database.statement(`delete from ${table} where lora = ?`).run(newcomer.seq);
  };
  move("lora_tags", "tag");
  move("members", "collection");
  database.statement("update places set lora = ? where lora = ?").run(keeper.seq, newcomer.seq);
  database.statement("update aliases set lora = ? where lora = ?").run(keeper.seq, newcomer.seq);
  database
    .statement(
      "insert or ignore into recipes (lora, record) select ?, record from recipes where lora = ?",
    )
    .run(keeper.seq, newcomer.seq);
  forgetWords(database, newcomer.seq);
  database.statement("delete from loras where seq = ?").run(newcomer.seq);
  database
    .statement("insert or replace into aliases (id, lora) values (?, ?)")
    .run(newcomer.id, keeper.seq);
  services.records.touch(keeper.seq);
  indexWords(database, keeper.seq);
}
