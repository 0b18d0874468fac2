/** The one door to better-sqlite3: a connection, its statements, and its errors in words. */
import BetterSqlite3 from "better-sqlite3";
import { FacetError } from "../core/errors.ts";

/** Another process may hold the write lock for one slice of an import; it never holds it for seconds. */
const busyTimeoutMs = 5000;

type Parameters = readonly unknown[];
/** A prepared statement whose rows are unknown until a parser has seen them. */
export interface Statement {
  run(...parameters: Parameters): { changes: number; lastInsertRowid: number | bigint };
  get(...parameters: Parameters): unknown;
  all(...parameters: Parameters): unknown[];
  iterate(...parameters: Parameters): IterableIterator<unknown>;
}

/** An open library file. Statements are prepared once and kept. */
export class Database implements Disposable {
  readonly file: string;
  readonly #connection: BetterSqlite3.Database;
  readonly #statements = new Map<string, Statement>();
  readonly #plucked = new Map<string, Statement>();

  constructor(connection: BetterSqlite3.Database, file: string) {
    this.#connection = connection;
    this.file = file;
  }

  get open(): boolean {
    return this.#connection.open;
  }

  /** Rows as objects. */
  statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** The first column of each row, bare. */
  column(sql: string): Statement {
    let statement = this.#plucked.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql).pluck();
      this.#plucked.set(sql, statement);
    }
    return statement;
  }

  /** A statement made for one question, such as a search: not kept, so that a million questions cost no memory. */
  once(sql: string): {
    all(...parameters: Parameters): unknown[];
    get(...parameters: Parameters): unknown;
  } {
    return this.#connection.prepare(sql);
  }

  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** One write transaction, taken at once (BEGIN IMMEDIATE); inside another one it is a savepoint. */
  transaction<T>(work: () => T): T {
    return this.#connection.transaction(work).immediate();
  }

  pragma(text: string): unknown {
    return this.#connection.pragma(text, { simple: true });
  }

  define(name: string, work: (...values: unknown[]) => unknown): void {
    this.#connection.function(name, { deterministic: true, varargs: true }, work);
  }

  /** A copy of the whole file at one moment, through SQLite's online backup. */
  async backup(to: string): Promise<void> {
    await this.#connection.backup(to);
  }

  close(): void {
    if (!this.#connection.open) return;
    this.#statements.clear();
    this.#plucked.clear();
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a connection and changes nothing in the file. */
export function connect(file: string): Database {
  try {
    return new Database(new BetterSqlite3(file, { timeout: busyTimeoutMs }), file);
  } catch (error) {
    throw asFacetError(error, file);
  }
}

/** A second connection that only reads, for the worker. It may also copy the log back (`checkpoint`). */
export function openReader(file: string): Database {
  const database = connect(file);
  database.pragma("query_only = ON");
  database.pragma("cache_size = -4096");
  return database;
}

/** True for what SQLite itself refuses: no file of the user's is at fault. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError;
}

/** What SQLite says, in words that name the file and the way out. */
export function asFacetError(error: unknown, file: string): unknown {
  if (!(error instanceof BetterSqlite3.SqliteError)) return error;
  const place = { path: file, cause: error };
  if (error.code.startsWith("SQLITE_NOTADB") || error.code.startsWith("SQLITE_CORRUPT")) {
    const message =
      `${file} is damaged (${error.message}). Move it away and start again: ` +
      `the library is rebuilt from its folders, or put back a copy from backups.`;
    return new FacetError("malformed", message, place);
  }
  if (error.code.startsWith("SQLITE_READONLY") || error.code.startsWith("SQLITE_CANTOPEN")) {
    const message = `${file} cannot be opened for writing (${error.message}). Check the folder's permissions.`;
    return new FacetError("not-writable", message, place);
  }
  if (error.code.startsWith("SQLITE_FULL")) {
    return new FacetError("disk-full", `The disk with ${file} is full.`, place);
  }
  return error;
}
