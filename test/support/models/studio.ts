/** Models of a machine of the test's own: an engine in this process that counts, and a library's rows. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Machine } from "../../../src-main/comfy/places.ts";
import { describeModel } from "../../../src-main/engine/tasks/describe-model.ts";
import { PartedHashes } from "../../../src-main/engine/tasks/hash-part.ts";
import { Jobs } from "../../../src-main/jobs/jobs.ts";
import { ModelRows } from "../../../src-main/library/model-rows.ts";
import { openDatabase } from "../../../src-main/library/open.ts";
import type { ModelEngine } from "../../../src-main/models/look.ts";
import { Models, type ModelsParts } from "../../../src-main/models/models.ts";

/** Linux, with ComfyUI in the home folder where a test puts one. */
function machineAt(home: string): Machine {
  return {
    platform: "linux",
    home,
    env: {},
    read: (path) => readFile(path, "utf8").catch(() => null),
    look: () => Promise.resolve({ folder: false, writable: false }),
  };
}

export interface CountingEngine extends ModelEngine {
  /** Paths that were looked into, in order. */
  readonly described: string[];
  readonly parts: { count: number };
}

export function countingEngine(): CountingEngine {
  const hashes = new PartedHashes();
  const described: string[] = [];
  const parts = { count: 0 };
  return {
    described,
    parts,
    async describeModel({ path }) {
      described.push(path);
      await Promise.resolve();
      return describeModel(path);
    },
    hashPart(input, options) {
      parts.count += 1;
      return hashes.part(input, options?.signal);
    },
  };
}

export interface TestModels {
  readonly models: Models;
  readonly engine: CountingEngine;
  readonly rows: ModelRows;
  readonly jobs: Jobs;
  close(): Promise<void>;
}

/** Opened again on the same folder, it is the next start of Facet. */
export async function testModels(
  folder: string,
  options: Pick<ModelsParts, "disk" | "times"> & { engine?: CountingEngine } = {},
): Promise<TestModels> {
  const database = await openDatabase(join(folder, "library", "facet.sqlite"));
  const jobs = new Jobs(database);
  const rows = new ModelRows(database);
  const { engine = countingEngine(), ...rest } = options;
  const machine = machineAt(join(folder, "home"));
  const models = new Models({ rows, jobs, engine, machine, ...rest });
  const close = async () => {
    models.close();
    await jobs.close();
    database.close();
  };
  onTestFinished(close);
  return { models, engine, rows, jobs, close };
}
