/** Opens or makes the library's SQLite file: its identity, its version, its settings. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { FacetError } from "../core/errors.ts";
import { asFacetError, connect, type Database } from "./database.ts";
import { applicationId, migrate } from "./migrate.ts";
import { type Migration, migrations } from "./migrations/index.ts";

/**
 * Pages in the log before a commit copies them back by itself. The worker does that work off the event loop
 * long before this many (128 MB); the limit is for processes that never start the worker.
 */
const autoCheckpointPages = 32_768;

export interface OpenOptions {
  /** Where copies go before a migration changes an existing file. */
  readonly backups?: string;
  /** All migrations there are; another list only in tests. */
  readonly migrations?: readonly Migration[];
}

/**
 * Opens or makes the file and brings it to this version. Nothing is written to a file that is not Facet's
 * (`malformed`) or comes from a later Facet (`newer-version`).
 */
export async function openDatabase(file: string, options: OpenOptions = {}): Promise<Database> {
  const list = options.migrations ?? migrations;
  makeFolder(dirname(file));
  const database = connect(file);
  try {
    checkIdentity(database);
    checkVersion(database, list);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = NORMAL");
    database.pragma("foreign_keys = ON");
    database.pragma("temp_store = MEMORY");
    database.pragma("cache_size = -65536");
    database.pragma(`wal_autocheckpoint = ${autoCheckpointPages}`);
    await migrate(database, list, options.backups ?? join(dirname(file), "backups"));
    return database;
  } catch (error) {
    database.close();
    throw asFacetError(error, file);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new FacetError(
      "not-writable",
      `The library folder ${folder} cannot be made. Choose another with --library.`,
      { path: folder, cause: error },
    );
  }
}

function checkIdentity(database: Database): void {
  const id = Number(database.pragma("application_id"));
  if (id === applicationId) return;
  const tables = Number(database.column("select count(*) from sqlite_schema").get());
  if (tables > 0) {
    throw new FacetError(
      "malformed",
      `${database.file} is an SQLite file of another program (application_id ${id}), not a Facet library. ` +
        `Choose another library folder, or move this file away.`,
      { path: database.file, field: "application_id" },
    );
  }
}

function checkVersion(database: Database, list: readonly Migration[]): void {
  const version = Number(database.pragma("user_version"));
  if (version <= list.length) return;
  throw new FacetError(
    "newer-version",
    `The library ${database.file} has version ${version}; this Facet knows versions up to ${list.length}. ` +
      `Update Facet, or open a copy from the library's backups folder.`,
    { path: database.file, field: "user_version" },
  );
}
