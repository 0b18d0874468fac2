/** Mounts SDXL at its full size from a file of random half weights: seconds to graphs and sessions, memory, bytes written. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  closeSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeFullSdxl } from "../support/models/full-size.ts";
import type { BenchResult } from "./types.ts";

const mostGraphSeconds = 3;
const mostSessionSeconds = 30;
/** The file, and some air. */
const neededBytes = 8e9;
/** Between two looks at the memory of the process that mounts, in milliseconds. */
const interval = 50;
const threads = Math.min(8, availableParallelism());

interface Told {
  readonly part: string;
  readonly seconds: number;
  /** Of all cores together; other work on the machine does not count. */
  readonly processor: number;
  readonly bytes: number;
}

/** Highest of the process so far, bytes: its own memory, and pages of files that it looks into. */
interface Memory {
  own: number;
  files: number;
}

/** FACET_BENCH_FOLDER: where there is room, if not in the temporary folder. */
export async function mount(): Promise<BenchResult[]> {
  const parent = process.env["FACET_BENCH_FOLDER"] ?? tmpdir();
  const { bavail, bsize } = statfsSync(parent);
  if (process.platform !== "linux" || bavail * bsize < neededBytes) {
    process.stderr.write(`mount: not measured; it takes Linux and 8 GB free in ${parent}.\n`);
    return [];
  }
  const folder = mkdtempSync(join(parent, "facet-mount-"));
  try {
    const path = join(folder, "sdxl.safetensors");
    writeFullSdxl(path);
    readWhole(path);
    const before = statSync(path).mtimeMs;
    const { told, memory } = await mounted(path);
    return rows(told, memory, statSync(path).mtimeMs === before);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** So that the system's page cache has it, as after the first use of a model. */
function readWhole(path: string): void {
  const descriptor = openSync(path, "r");
  const buffer = Buffer.alloc(2 ** 24);
  while (readSync(descriptor, buffer) > 0);
  closeSync(descriptor);
}

async function mounted(path: string): Promise<{ told: Told[]; memory: Memory }> {
  const script = join(import.meta.dirname, "mount-sessions.ts");
  const child = spawn(process.execPath, [script, path, String(threads)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const memory: Memory = { own: 0, files: 0 };
  const timer = setInterval(() => {
    look(child.pid ?? 0, memory);
  }, interval);
  const ended = once(child, "close");
  const told: Told[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout }))
      told.push(JSON.parse(line) as Told);
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`Mounting ended with ${String(code)}; its error stands above.`);
  } finally {
    clearInterval(timer);
  }
  return { told, memory };
}

function look(pid: number, memory: Memory): void {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
    const kilobytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    memory.own = Math.max(memory.own, kilobytes("RssAnon") * 1024);
    memory.files = Math.max(memory.files, kilobytes("RssFile") * 1024);
  } catch {
    // It has just ended.
  }
}

function rows(told: readonly Told[], memory: Memory, untouched: boolean): BenchResult[] {
  const of = (part: string) => told.find((each) => each.part === part);
  const conditions = `SDXL, 2,515 tensors, 6.94 GB F16, page cache warm, cpu provider, ${threads} threads`;
  const graphs = of("graphs")?.seconds ?? NaN;
  const parts = told.filter(({ part }) => part !== "graphs" && part !== "written");
  const sessions = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  const processor = parts.reduce((sum, each) => sum + each.processor, 0);
  const each = parts.map(({ part, seconds }) => `${part} ${seconds.toFixed(1)}`).join(", ");
  const written = of("written")?.bytes ?? NaN;
  const gigabytes = (bytes: number) => bytes / 1e9;
  return [
    {
      name: "mount.graph",
      value: graphs,
      unit: "s",
      target: `< ${mostGraphSeconds}`,
      ok: graphs < mostGraphSeconds,
      conditions: `path to ready graphs of all parts; ${conditions}`,
    },
    {
      name: "mount.session",
      value: sessions,
      unit: "s",
      target: `< ${mostSessionSeconds}`,
      ok: sessions < mostSessionSeconds,
      conditions: `each part opened and closed in turn: ${each}; ${processor.toFixed(1)} s of processor time; ${conditions}`,
    },
    {
      name: "mount.memory",
      value: gigabytes(memory.own),
      unit: "GB",
      target: "reported",
      ok: true,
      conditions: `highest, besides ${gigabytes(memory.files).toFixed(2)} GB of the file's own pages; ${conditions}`,
    },
    {
      name: "mount.written",
      value: written,
      unit: "bytes",
      target: "0, file untouched",
      ok: written === 0 && untouched,
      conditions,
    },
  ];
}
