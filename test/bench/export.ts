/** Batch export through the whole studio, beside plain writes of the same bytes to the same disk. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ExportResult } from "../../src-preload/contract/exports.ts";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { type Studio, compose } from "../../src-main/compose.ts";
import { assert } from "../../src-main/core/errors.ts";
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { type Family, type Lora, columns } from "../../src-main/core/lora/lora.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { writeLoraFile } from "../../src-main/export/writer.ts";
import type { BenchResult } from "./types.ts";

/** What weights2weights and a rank 8 identity of SDXL have (peers.md): 64 modules in 0.2 MB, 560 in 23 MB. */
const kinds = [
  {
    name: "small",
    family: "sd15",
    modules: /^unet\..*\.attn[12]\.to_[qv]$/,
    rank: 1,
    files: 300,
    rounds: 3,
  },
  {
    name: "large",
    family: "sdxl",
    modules: /^unet\..*\.attn[12]\.to_/,
    rank: 8,
    files: 16,
    rounds: 5,
  },
] as const;

export async function exportFiles(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-export-"));
  const studio = await compose({ library: join(folder, "library") });
  try {
    const [small, large] = kinds;
    const files = await measure(studio, folder, small, "kohya");
    const bytes = await measure(studio, folder, large, "kohya");
    const renamed = await measure(studio, folder, large, "peft");
    return [
      {
        name: "export.small",
        value: files.perSecond,
        unit: "files/s",
        target: ">= 100 files/s",
        ok: files.perSecond >= 100,
        conditions: `${small.files} files of ${files.size} bytes in one job, f16 to kohya f16, each with fsync; plain write + fsync of the same ${files.plainPerSecond.toFixed(0)} files/s`,
      },
      ...[
        { name: "export.large", run: bytes, to: "kohya" },
        { name: "export.large-renamed", run: renamed, to: "PEFT names" },
      ].map(({ name, run, to }) => ({
        name,
        value: run.ratio,
        unit: "x plain write",
        target: ">= 0.7 x plain write + fsync",
        ok: run.ratio >= 0.7,
        conditions: `${large.files} files of ${run.size} bytes in one job, f16 to ${to} f16, median of ${large.rounds} rounds interleaved with plain writes; ${megabytes(run.perSecond * run.size)} against ${megabytes(run.plainPerSecond * run.size)}`,
      })),
    ];
  } finally {
    await studio.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Kind = (typeof kinds)[number];

interface Measured {
  readonly perSecond: number;
  readonly plainPerSecond: number;
  /** Median over the rounds of export against the plain writes right before it. */
  readonly ratio: number;
  readonly size: number;
}

async function measure(
  studio: Studio,
  folder: string,
  kind: Kind,
  dialect: "kohya" | "peft",
): Promise<Measured> {
  const from = join(folder, kind.name);
  const bytes = makeFiles(from, kind);
  const ids = await bring(studio, from, kind);
  const rounds: { plain: number; exported: number }[] = [];
  for (let round = 0; round <= kind.rounds; round++) {
    const to = join(folder, `out-${kind.name}-${dialect}-${round}`);
    mkdirSync(to);
    const plain = plainWrites(to, bytes, kind.files);
    const exported = await exportAll(studio, ids, to, dialect);
    rmSync(to, { recursive: true });
    // The first round starts the engine and its threads.
    if (round > 0) rounds.push({ plain, exported });
  }
  return {
    perSecond: median(rounds.map(({ exported }) => kind.files / exported)),
    plainPerSecond: median(rounds.map(({ plain }) => kind.files / plain)),
    ratio: median(rounds.map(({ plain, exported }) => plain / exported)),
    size: bytes.length,
  };
}

/** Files of one LoRA that differ in their last number; returns the bytes of one. */
function makeFiles(folder: string, kind: Kind): Buffer {
  mkdirSync(folder, { recursive: true });
  const first = join(folder, `${kind.name}.safetensors`);
  const lora = makeLora(kind.family, kind.modules, kind.rank);
  const file = {
    lora,
    to: first,
    dialect: "kohya",
    dtype: "f16",
    metadata: {},
    overwrite: true,
  } as const;
  writeLoraFile(file);
  const bytes = readFileSync(first);
  for (let index = 1; index < kind.files; index++) {
    bytes.writeUInt16LE(index, bytes.length - 2);
    writeFileSync(join(folder, `${kind.name} ${index}.safetensors`), bytes);
  }
  return bytes;
}

/** Into the library where they lie, and read to the end: that work must not run beside the measurement. */
async function bring({ client }: Studio, folder: string, kind: Kind): Promise<string[]> {
  const { job } = await client.library.import({ paths: [folder], storage: "reference" });
  await jobEnd(client, job);
  while ((await client.library.overview()).unread > 0) await setTimeout(200);
  const ids = await client.library.ids({ query: `family:${kind.family}` });
  assert(ids.length === kind.files, `${ids.length} of ${kind.files} files came in`);
  return ids;
}

/** Seconds for the same number of the same bytes, written and flushed one after the other. */
function plainWrites(folder: string, bytes: Buffer, files: number): number {
  const started = performance.now();
  for (let index = 0; index < files; index++) {
    const descriptor = openSync(join(folder, `plain ${index}`), "w");
    writeSync(descriptor, bytes);
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
  const seconds = (performance.now() - started) / 1000;
  for (let index = 0; index < files; index++) unlinkSync(join(folder, `plain ${index}`));
  return seconds;
}

/** Seconds from the request to the end of the job. */
async function exportAll(
  { client }: Studio,
  ids: string[],
  to: string,
  dialect: "kohya" | "peft",
): Promise<number> {
  const started = performance.now();
  const { job } = await client.exports.start({
    ids,
    to,
    options: { dialect, dtype: "f16", template: "{index}" },
  });
  const { files } = ExportResult.parse((await jobEnd(client, job)).result);
  const seconds = (performance.now() - started) / 1000;
  assert(files.length === ids.length, `${files.length} of ${ids.length} were exported`);
  await client.jobs.dismiss({ id: job });
  return seconds;
}

async function jobEnd(client: Studio["client"], id: string): Promise<Job> {
  for await (const job of await client.jobs.watch()) {
    if (job.id === id && job.finishedAt !== null) return job;
  }
  throw new Error("the studio was closed");
}

function makeLora(family: Family, which: RegExp, rank: number): Lora {
  const random = seededRandom(1);
  const values = (count: number) =>
    Float32Array.from({ length: count }, () => 0.02 * random.normal());
  const modules = modulesOf(family)
    .filter(({ path }) => which.test(path))
    .map((module) => ({
      ...module,
      rank,
      down: values(rank * columns(module)),
      up: values(module.out * rank),
    }));
  return { family, modules, embeddings: [] };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function megabytes(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(0)} MB/s`;
}
