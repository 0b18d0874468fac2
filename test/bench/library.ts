/** The library at the sizes that users of other tools complain about: 100,000 identities, imports of 30,000 files. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { startEngine } from "../../src-main/engine/client.ts";
import { scanFile } from "../../src-main/engine/tasks/scan.ts";
import { openLibrary } from "../../src-main/library/library.ts";
import type { Filter } from "../../src-preload/contract/library.ts";
import type { Scanned } from "../../src-preload/contract/engine.ts";
import { ImportResult } from "../../src-preload/contract/library.ts";
import { fakeEngine } from "../support/fake-engine.ts";
import { fillLibrary, makeFiles } from "../support/many-loras.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const entries = 100_000;
const imported = 30_000;
/** Scans are steady: fewer files say the same. */
const scanned = { small: 6000, large: 1500 };

/** What people type: one word, a beginning, several terms, exclusions, every order. */
const questions: readonly Filter[] = [
  {},
  { sort: "name" },
  { query: "anna" },
  { query: "an re" },
  { query: "v99999" },
  { query: "family:sdxl rank>8 anna" },
  { query: "tag:woman", sort: "name" },
  { query: "is:favourite" },
  { query: "-anna" },
  { query: "care show", sort: "rating" },
  { query: "rating>=3", sort: "size" },
  { query: "nothing like it" },
  { view: "favourites", sort: "name" },
];

export async function library(_context: BenchContext): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  try {
    return [
      ...(await large(join(folder, "large"))),
      ...scans(folder, scanFile),
      ...(await importing(folder)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function large(folder: string): Promise<BenchResult[]> {
  await fillLibrary(folder, entries);
  const opened: number[] = [];
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    const { library: one } = await openLibrary({ folder, engine: fakeEngine() });
    one.list({});
    one.overview();
    opened.push((performance.now() - started) / 1000);
    await one.close();
  }
  const { library: one } = await openLibrary({ folder, engine: fakeEngine() });
  const searches: number[] = [];
  const slowest: number[] = [];
  for (const question of questions) {
    const times = Array.from({ length: 9 }, (_, round) => {
      // An edit before each, so that no total is remembered from the last time.
      one.createCollection(`${JSON.stringify(question)} ${round}`);
      const started = performance.now();
      one.list(question);
      return performance.now() - started;
    });
    searches.push(...times);
    slowest.push(median(times));
  }
  const ids = one.ids({});
  await one.similar(ids[0] ?? "", 12); // loads the sketches
  const similar: number[] = [];
  for (let round = 0; round < 9; round++) {
    const started = performance.now();
    await one.similar(ids[round * 1000] ?? "", 12);
    similar.push(performance.now() - started);
  }
  await one.close();
  const at = `${entries} identities`;
  const worst = Math.max(...slowest);
  return [
    row(
      "library.open",
      median(opened),
      "s",
      1,
      `${at}, first page and overview included, median of 5`,
    ),
    row(
      "library.search",
      median(searches),
      "ms",
      20,
      `${at}, ${questions.length} questions, 9 times each, a page of 200 and the total; the slowest question takes ${worst.toFixed(1)} ms`,
    ),
    row(
      "library.neighbours",
      median(similar),
      "ms",
      100,
      `${at}, 12 nearest of all sketches, median of 9`,
    ),
  ];
}

function scans(folder: string, scan: (path: string) => Scanned): BenchResult[] {
  const measure = (
    name: string,
    count: number,
    headerBytes: number,
    least: number,
  ): BenchResult => {
    const paths = makeFiles(join(folder, name), count, headerBytes);
    const seconds = [0, 1, 2].map(() => {
      const started = performance.now();
      for (const path of paths) {
        const result = scan(path);
        if ("failure" in result) throw new Error(result.failure.message);
      }
      return (performance.now() - started) / 1000;
    });
    // The first round warms the disk's cache.
    const rate = count / median(seconds.slice(1));
    return {
      name: `library.${name}`,
      value: rate,
      unit: "files/s",
      target: `>= ${least}`,
      ok: rate >= least,
      conditions: `${count} files, warm, header of ${headerBytes / 1000} kB, one process`,
    };
  };
  return [
    measure("scan-35", scanned.small, 35_000, 1500),
    measure("scan-300", scanned.large, 300_000, 300),
  ];
}

async function importing(folder: string): Promise<BenchResult[]> {
  const files = join(folder, "files");
  makeFiles(files, imported, 35_000);
  await using engine = startEngine("background");
  const { library: one, jobs } = await openLibrary({
    folder: join(folder, "new"),
    engine: engine.client,
  });
  await engine.client.status();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const started = performance.now();
  const job = await jobs.ended(one.import({ paths: [files], storage: "reference" }));
  const seconds = (performance.now() - started) / 1000;
  delay.disable();
  const { importedCount, skipped } = ImportResult.parse(job.result);
  await jobs.close();
  await one.close();
  if (importedCount !== imported)
    throw new Error(`Imported ${importedCount}: ${JSON.stringify(skipped[0])}`);
  const p99 = delay.percentile(99) / 1e6;
  const conditions = `${imported} files with headers of 35 kB, referenced, one engine process`;
  const longest = (delay.max / 1e6).toFixed(0);
  return [
    row(
      "library.import-delay",
      p99,
      "ms",
      50,
      `${conditions}; p99 of main's event loop, the longest ${longest} ms`,
    ),
    {
      name: "library.import",
      value: imported / seconds,
      unit: "files/s",
      target: ">= 1000",
      ok: imported / seconds >= 1000,
      conditions,
    },
  ];
}

function row(
  name: string,
  value: number,
  unit: string,
  most: number,
  conditions: string,
): BenchResult {
  return { name, value, unit, target: `< ${most}`, ok: value < most, conditions };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
