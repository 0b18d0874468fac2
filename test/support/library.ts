/** A library in a temporary folder, with the engine's stand-in. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Jobs } from "../../src-main/jobs/jobs.ts";
import { type Library, openLibrary } from "../../src-main/library/library.ts";
import { ImportResult } from "../../src-preload/contract/library.ts";
import { fakeEngine, type FakeEngine } from "./fake-engine.ts";

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "facet-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestLibrary {
  readonly library: Library;
  readonly jobs: Jobs;
  readonly engine: FakeEngine;
  /** Where files to import are made. */
  readonly files: string;
  import(paths: string[], storage?: "copy" | "reference"): Promise<ImportResult>;
  close(): Promise<void>;
}

/** Closed when the test ends. Given a folder, it opens what is there. */
export async function testLibrary(folder?: string): Promise<TestLibrary> {
  const root = folder ?? (await temporaryFolder());
  const engine = fakeEngine();
  const { library, jobs } = await openLibrary({ folder: join(root, "library"), engine });
  const close = async () => {
    await jobs.close();
    await library.close();
  };
  onTestFinished(close);
  return {
    library,
    jobs,
    engine,
    files: join(root, "files"),
    close,
    async import(paths, storage = "reference") {
      const job = await jobs.ended(library.import({ paths, storage }));
      if (job.state !== "done") throw new Error(`${job.state}: ${job.failure?.message ?? ""}`);
      return ImportResult.parse(job.result);
    },
  };
}
