/** The full-text index: which words lead to which identity. */
import type { Database } from "./database.ts";

/** Scripts that do not part words by spaces: each sign counts as a word, so that any part of a name is found. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;

/** Text as the index takes it, for what is stored and for what is asked. */
export function segmented(text: string): string {
  return text.replaceAll(unspaced, " $& ");
}

/** Statements below call it from SQL. */
export function defineSegmented(database: Database): void {
  database.define("segmented", (text) => (typeof text === "string" ? segmented(text) : ""));
}

const insert = (table: string) => `
  insert or replace into ${table} (rowid, name, tags, notes, triggers, title, file)
  select l.seq, segmented(l.name),
    segmented(coalesce((select group_concat(t.tag, ' . ') from lora_tags x join tags t on t.id = x.tag
      where x.lora = l.seq), '')),
    segmented(t.notes), segmented(t.triggers), segmented(t.title), segmented(t.file)
  from loras l join texts t on t.lora = l.seq where l.seq = ?`;
const insertLive = insert("words");
const insertTrash = insert("trash_words");

/** Brings the index up to date with one row. Called in the transaction that changed the row. */
export function indexWords(database: Database, seq: number): void {
  const trashed = database
    .column("select deleted_at is not null from loras where seq = ?")
    .get(seq);
  database.statement(trashed === 1 ? insertTrash : insertLive).run(seq);
}

/** Moves one row's words between the index of the library and that of the trash. */
export function moveWords(database: Database, seq: number, to: "trash" | "library"): void {
  database
    .statement(`delete from ${to === "trash" ? "words" : "trash_words"} where rowid = ?`)
    .run(seq);
  database.statement(to === "trash" ? insertTrash : insertLive).run(seq);
}

/** Forgets a row that is erased. */
export function forgetWords(database: Database, seq: number): void {
  database.statement("delete from words where rowid = ?").run(seq);
  database.statement("delete from trash_words where rowid = ?").run(seq);
}
