/** Stands in for the engine in tests of the library: files are small JSON texts, answers are made from them. */
import { createHash } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FacetError } from "../../src-main/core/errors.ts";
import { failureOf } from "../../src-main/jobs/failure.ts";
import type { LibraryEngine } from "../../src-main/library/shelf.ts";
import type { Scanned } from "../../src-preload/contract/engine.ts";
import type { Inspection } from "../../src-preload/contract/lora.ts";

/** What a fake LoRA file says. */
export interface FakeLora {
  readonly seed: number;
  readonly family?: "sdxl" | "sd15";
  readonly dialect?: string;
  readonly rank?: number;
  readonly matched?: number;
  readonly total?: number;
  readonly metadata?: Record<string, string>;
  readonly triggerWords?: string[];
  /** Bytes added, so that files differ in size. */
  readonly padding?: number;
  /** Mixed into the sketch in place of the seed's own numbers: 1 makes it the same as that seed's. */
  readonly like?: { seed: number; share: number };
}

export async function writeFakeLora(path: string, lora: FakeLora): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const { padding = 0, ...rest } = lora;
  await writeFile(path, JSON.stringify(rest) + " ".repeat(padding));
  return path;
}

export interface FakeEngine extends LibraryEngine {
  /** How often each was called, in files. */
  readonly calls: { scanned: number; read: number; thumbnails: number };
  /** Set by a test: called before each answer, to wait or to throw. */
  before: ((what: "scan" | "read" | "thumbnail", path: string) => Promise<void> | void) | undefined;
}

export function fakeEngine(): FakeEngine {
  const calls = { scanned: 0, read: 0, thumbnails: 0 };
  const engine: FakeEngine = {
    calls,
    before: undefined,
    async scan({ paths }, options) {
      options?.signal?.throwIfAborted();
      const answers: Scanned[] = [];
      for (const path of paths) {
        await engine.before?.("scan", path);
        calls.scanned += 1;
        answers.push(await scan(path));
      }
      return answers;
    },
    async read({ path }, options) {
      options?.signal?.throwIfAborted();
      await engine.before?.("read", path);
      calls.read += 1;
      const bytes = await readFile(path);
      const lora = parse(path, bytes);
      const sketch = fakeSketch(lora);
      return {
        sha256: createHash("sha256").update(bytes).digest("hex"),
        dataSha256: null,
        fingerprint: createHash("sha256").update(`matrices ${lora.seed}`).digest("hex"),
        sketch: Buffer.from(sketch.buffer).toString("base64"),
        norm: Math.hypot(...sketch),
      };
    },
    async thumbnail({ path, bytes, to }) {
      await engine.before?.("thumbnail", path ?? "");
      calls.thumbnails += 1;
      const picture =
        path === undefined ? Buffer.from(bytes ?? "", "base64") : await readFile(path);
      const sha256 = createHash("sha256").update(picture).digest("hex");
      await mkdir(to, { recursive: true });
      await writeFile(join(to, `${sha256}.webp`), picture);
      return { sha256, width: 8, height: 8 };
    },
    openSpace: () => Promise.reject(new FacetError("unsupported", "No spaces here.")),
  };
  return engine;
}

async function scan(path: string): Promise<Scanned> {
  try {
    const lora = parse(path, await readFile(path));
    const { size, mtimeMs } = await stat(path);
    return { path, inspection: inspectionOf(lora, size), modifiedAt: mtimeMs };
  } catch (error) {
    return { path, failure: failureOf(error, path) };
  }
}

function parse(path: string, bytes: Buffer): FakeLora {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null && "seed" in value) return value as FakeLora;
  } catch (cause) {
    throw new FacetError("malformed", `${path} is damaged: its header is not JSON.`, {
      path,
      cause,
    });
  }
  throw new FacetError("not-a-lora", `${path} holds no LoRA: none of its keys is known.`, { path });
}

export function inspectionOf(lora: FakeLora, bytes: number): Inspection {
  const rank = lora.rank ?? 8;
  return {
    dialect: lora.dialect ?? "kohya-sgm",
    family: lora.family ?? "sdxl",
    widths: null,
    modules: 10,
    rank: { min: rank, max: rank },
    parameters: rank * 1000,
    matched: lora.matched ?? 30,
    total: lora.total ?? lora.matched ?? 30,
    unmatched: [],
    metadata: lora.metadata ?? {},
    embeddings: [],
    dtypes: ["F16"],
    components: ["unet"],
    adapters: ["lora"],
    needsBase: [],
    triggerWords: lora.triggerWords ?? [],
    bytes,
  };
}

/** 256 numbers that depend on the seed alone (or on another's, in part). */
export function fakeSketch(lora: FakeLora): Float32Array {
  const own = numbers(lora.seed);
  if (lora.like === undefined) return own;
  const { seed, share } = lora.like;
  const other = numbers(seed);
  return own.map((value, index) => share * (other[index] ?? 0) + (1 - share) * value);
}

function numbers(seed: number): Float32Array {
  // Mulberry32, twelve draws for one number of a bell curve.
  let state = (seed * 2_654_435_769) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return Float32Array.from({ length: 256 }, () => {
    let sum = -6;
    for (let draw = 0; draw < 12; draw++) sum += next();
    return sum;
  });
}
