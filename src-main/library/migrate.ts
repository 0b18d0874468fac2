/** Brings a library file to this version: a backup first, then each migration in a transaction of its own. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FacetError, assert } from "../core/errors.ts";
import type { Database } from "./database.ts";
import type { Migration } from "./migrations/index.ts";

/** "Fact" in ASCII: tells a Facet library from any other SQLite file. */
export const applicationId = 0x46_61_63_74;

/** Backups kept, newest first. */
const kept = 3;
const backupName = /^facet-\d+-.*\.sqlite$/;

export async function migrate(
  database: Database,
  list: readonly Migration[],
  backups: string,
): Promise<void> {
  checkChain(list);
  const version = Number(database.pragma("user_version"));
  checkApplied(database, list, version);
  if (version === list.length) return;
  if (version > 0) await backUp(database, backups, version);
  for (const [index, migration] of list.entries()) {
    database.transaction(() => {
      // Another process may have migrated while this one waited for the lock.
      if (Number(database.pragma("user_version")) > index) return;
      if (index === 0) {
        database.pragma(`application_id = ${applicationId}`);
        database.exec("create table migrations (id text primary key, applied_at integer not null)");
      }
      migration.up(database);
      database
        .statement("insert into migrations (id, applied_at) values (?, ?)")
        .run(migration.id, Date.now());
      database.pragma(`user_version = ${index + 1}`);
    });
  }
}

function checkChain(list: readonly Migration[]): void {
  let previous: string | null = null;
  for (const migration of list) {
    assert(migration.dependsOn === previous, `${migration.id} depends on ${String(previous)}`);
    previous = migration.id;
  }
}

/** What the file has must be the beginning of what this Facet knows. */
function checkApplied(database: Database, list: readonly Migration[], version: number): void {
  if (version === 0) return;
  const applied = database.column("select id from migrations order by rowid").all();
  for (const [index, id] of applied.entries()) {
    const known = list[index]?.id;
    if (known === id) continue;
    throw new FacetError(
      "newer-version",
      `The library ${database.file} has the change ${String(id)} as number ${index + 1}; ` +
        `this Facet knows ${known ?? "none"} there. It was made by another version of Facet: update Facet.`,
      { path: database.file, field: "migrations" },
    );
  }
}

async function backUp(database: Database, folder: string, version: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const stamp = new Date().toISOString().replaceAll(":", "-");
  await database.backup(join(folder, `facet-${version}-${stamp}.sqlite`));
  const all = (await readdir(folder)).filter((name) => backupName.test(name));
  // The stamp sorts as text; the version in front does not, so it is left out of the comparison.
  all.sort((a, b) => byStamp(b).localeCompare(byStamp(a)));
  for (const name of all.slice(kept)) await rm(join(folder, name), { force: true });
}

function byStamp(name: string): string {
  return name.replace(/^facet-\d+-/, "");
}
