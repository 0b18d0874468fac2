/** Settings and what pages remember, as rows. */
import { FacetError } from "../core/errors.ts";
import { Settings } from "../../src-preload/contract/system.ts";
import type { Database } from "./database.ts";

/** A page remembers where it was, not a picture. */
const longestValue = 1 << 20;

/** What is stored, with defaults for the rest; a value that this Facet does not know falls back to its default. */
export function readSettings(database: Database): Settings {
  const stored: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(Settings.shape)) {
    const text = database.column("select value from settings where key = ?").get(key);
    if (typeof text !== "string") continue;
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) stored[key] = parsed.data;
  }
  return Settings.parse(stored);
}

export function writeSettings(database: Database, settings: Settings): Settings {
  database.transaction(() => {
    for (const [key, value] of Object.entries(settings)) {
      database
        .statement("insert or replace into settings (key, value) values (?, ?)")
        .run(key, JSON.stringify(value));
    }
  });
  return readSettings(database);
}

/** Null where nothing is remembered. */
export function recall(database: Database, key: string): unknown {
  const text = database.column("select value from remembered where key = ?").get(key);
  return typeof text === "string" ? (JSON.parse(text) as unknown) : null;
}

export function remember(database: Database, key: string, value: unknown): void {
  const text = JSON.stringify(value ?? null);
  if (text.length > longestValue) {
    throw new FacetError(
      "too-large",
      `"${key}" is ${text.length} characters of JSON; at most ${longestValue} are remembered.`,
      { field: key },
    );
  }
  database.statement("insert or replace into remembered (key, value) values (?, ?)").run(key, text);
}
