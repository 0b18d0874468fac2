/** The standard form of an SDXL LoRA of 722 modules at rank 16, beside numpy's QR of each factor and SVD of the core. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { standardise as standardForm } from "../../src-main/core/lora/forms/standard.ts";
import { type Lora, type LoraModule, columns } from "../../src-main/core/lora/lora.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const rank = 16;
const rounds = 7;
const limitSeconds = 3;
const productLimit = 1e-5;

/** The attention family of formats.md 1.9: every Linear of the transformer blocks and their proj_in and proj_out. */
function makeLora(): Lora {
  const random = seededRandom(16);
  const normals = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => scale * random.normal());
  const modules = modulesOf("sdxl")
    .filter(({ path }) => path.startsWith("unet.") && path.includes(".attentions."))
    .map((shape) => {
      const down = normals(rank * columns(shape), shape.in ** -0.5);
      const up = normals(shape.out * rank, 0.01);
      return { ...shape, rank, down, up };
    });
  return { family: "sdxl", modules, embeddings: [] };
}

/** Factors for the peer, one after another: up, then down, float32. */
function writeFactors(path: string, lora: Lora): void {
  const descriptor = openSync(path, "w");
  for (const { up, down } of lora.modules) {
    for (const values of [up, down]) {
      writeSync(descriptor, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  }
  closeSync(descriptor);
}

/** A peer that waits for a line, does the work once and answers with its seconds. */
class Peer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string, factors: string, lora: Lora) {
    const script = join(import.meta.dirname, "peers/standardise.py");
    const child = spawn(python, [script, factors, String(rank)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const shapes = lora.modules.map((module) => [module.out, columns(module)]);
    child.stdin.write(`${JSON.stringify(shapes)}\n`);
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async seconds(): Promise<number> {
    this.#child.stdin?.write("go\n");
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("The numpy peer ended early; its error stands above.");
    return Number(line.value);
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
  }
}

function ourSeconds(lora: Lora): number {
  const started = performance.now();
  standardForm(lora, rank);
  return (performance.now() - started) / 1000;
}

/** Largest relative Frobenius distance between the products before and after, one module of each shape. */
function productError(lora: Lora): number {
  const standard = standardForm(lora, rank).lora;
  const seen = new Set<string>();
  let worst = 0;
  lora.modules.forEach((module, index) => {
    const after = standard.modules[index];
    const shape = `${String(module.out)} x ${String(columns(module))}`;
    if (after === undefined || seen.has(shape)) return;
    seen.add(shape);
    worst = Math.max(worst, relativeDistance(module, after));
  });
  return worst;
}

function relativeDistance(before: LoraModule, after: LoraModule): number {
  const width = columns(before);
  let difference = 0;
  let energy = 0;
  // Every seventh row and column are enough to see an error anywhere in the factors.
  for (let i = 0; i < before.out; i += 7) {
    for (let j = 0; j < width; j += 7) {
      let a = 0;
      let b = 0;
      for (let k = 0; k < rank; k++) {
        a += (before.up[i * rank + k] ?? 0) * (before.down[k * width + j] ?? 0);
        b += (after.up[i * rank + k] ?? 0) * (after.down[k * width + j] ?? 0);
      }
      difference += (a - b) ** 2;
      energy += a * a;
    }
  }
  return Math.sqrt(difference / energy);
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export async function standardise({ python }: BenchContext): Promise<BenchResult[]> {
  const lora = makeLora();
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  const factors = join(folder, "factors.f32");
  let peer: Peer | null = null;
  try {
    if (python !== null) {
      writeFactors(factors, lora);
      peer = new Peer(python, factors, lora);
    }
    // One round each warms up compilers and caches and is not counted.
    ourSeconds(lora);
    await peer?.seconds();
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(ourSeconds(lora));
      if (peer !== null) theirs.push(await peer.seconds());
    }
    const error = productError(lora);
    const conditions = `${String(lora.modules.length)} modules, rank ${String(rank)}, float32 factors in memory, one thread`;
    const seconds = median(ours);
    const ratio = seconds / median(theirs);
    return [
      {
        name: "standardise.seconds",
        value: seconds,
        unit: "s",
        target: `< ${String(limitSeconds)} and <= peer`,
        ok: seconds < limitSeconds && (peer === null || ratio <= 1),
        ...(peer === null ? {} : { peer: "numpy QR + SVD (its own threads)", ratio }),
        conditions: `${conditions}, median of ${String(rounds)}${peer === null ? "" : " interleaved"} rounds after a warm-up`,
      },
      {
        name: "standardise.product",
        value: error,
        unit: "relative",
        target: `<= ${String(productLimit)}`,
        ok: error <= productLimit,
        conditions: `${conditions}, worst of one module of each shape`,
      },
    ];
  } finally {
    await peer?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
