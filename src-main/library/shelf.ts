/** What the parts of the library share. */
import type { z } from "zod";
import type { Read, Scanned } from "../../src-preload/contract/engine.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Changes } from "./changes.ts";
import type { Database } from "./database.ts";
import type { Folders } from "./folders.ts";

interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The part of the engine that the library calls; its client fits, and so does a test's stand-in. */
export interface LibraryEngine {
  scan(input: { paths: string[] }, options?: CallOptions): Promise<Scanned[]>;
  read(input: { path: string }, options?: CallOptions): Promise<ReadOutcome>;
  thumbnail(
    input: { path?: string; bytes?: string; to: string; edge: number },
    options?: CallOptions,
  ): Promise<{ sha256: string; width: number; height: number }>;
  openSpace(input: { space: string }, options?: CallOptions): Promise<SpaceHeader>;
}

export type ReadOutcome = z.infer<typeof Read>;

/** What a space's file says of itself, as far as a row needs it. */
export interface SpaceHeader {
  readonly form: "standard" | "aligned" | "delta";
  readonly family: "sdxl" | "sd15";
  readonly modules: number;
  readonly members: readonly string[];
  readonly dimension: number;
  readonly components: number;
  readonly rank: number;
}

/** Where what no user can act on is written: file names, causes. */
export type Log = (message: string, details?: unknown) => void;

export interface Shelf {
  readonly database: Database;
  readonly folders: Folders;
  readonly engine: LibraryEngine;
  readonly jobs: Jobs;
  readonly changes: Changes;
  readonly log: Log;
}
