/** Tags on identities. Counts are kept by the database. */
import type { Database } from "./database.ts";

export function addTags(database: Database, seq: number, tags: readonly string[]): void {
  const known = database.column("select id from tags where tag = ?");
  for (const tag of tags.map((raw) => raw.trim()).filter((trimmed) => trimmed !== "")) {
    const id =
      known.get(tag) ??
      database.statement("insert into tags (tag) values (?)").run(tag).lastInsertRowid;
    database.statement("insert or ignore into lora_tags (lora, tag) values (?, ?)").run(seq, id);
  }
}

export function removeTags(database: Database, seq: number, tags: readonly string[]): void {
  const remove = database.statement(
    "delete from lora_tags where lora = ? and tag = (select id from tags where tag = ?)",
  );
  for (const tag of tags) remove.run(seq, tag.trim());
}

export function tagsOf(database: Database, seq: number): string[] {
  const tags = database
    .column("select t.tag from lora_tags x join tags t on t.id = x.tag where x.lora = ?")
    .all(seq);
  return tags.map(String).toSorted((a, b) => a.localeCompare(b));
}
