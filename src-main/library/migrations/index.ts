/** Every migration there is, oldest first. A library's version is how many of them it has. */
import type { Database } from "../database.ts";
import { dataHash } from "./2026-11-21-data-hash.ts";
import { first } from "./2026-11-21-first.ts";
import { models } from "./2026-11-21-models.ts";

export interface Migration {
  /** The file's name: date and subject. */
  readonly id: string;
  /** The one before it; null for the first. */
  readonly dependsOn: string | null;
  /** Runs inside a transaction of its own. */
  up(database: Database): void;
}

export const migrations: readonly Migration[] = [first, dataHash, models];
