/** The four full-size networks in ONNX Runtime beside torch eager, each in a process of its own, in turns. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { networks } from "../support/networks/index.ts";

/** Seconds of one turn, and turns of each side: a burst of other work spoils turns, but not the fastest. */
const turnSeconds = 0.4;
const turns = 7;

export interface Compared extends Measured {
  readonly network: string;
}

export interface Measured {
  /** Seconds of a step in the fastest turn; NaN where there is no peer. */
  readonly ours: number;
  readonly theirs: number;
  /** Seconds of a step outside the runtime's native code. */
  readonly around: number;
  readonly ourPeak: number;
  readonly theirPeak: number;
}

/** A process that takes as many steps as the line that it is given says, and answers with their seconds. */
class Side {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, given: readonly string[]) {
    const child = spawn(command, given, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async #answer(): Promise<Record<string, number>> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("A side ended early; its error stands above.");
    return JSON.parse(line.value) as Record<string, number>;
  }

  async steps(count: number): Promise<{ step: number; around: number }> {
    this.#child.stdin?.write(`${String(count)}\n`);
    const { seconds = Number.NaN, native = seconds } = await this.#answer();
    return { step: seconds / count, around: (seconds - native) / count };
  }

  async end(): Promise<number> {
    this.#child.stdin?.end();
    const { peakBytes = Number.NaN } = await this.#answer();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
    return peakBytes;
  }

  kill(): void {
    this.#child.kill();
  }
}

export async function compare(
  mode: "training" | "inference",
  python: string | null,
): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const network of Object.keys(networks)) {
    const given = [network, mode, String(threads)];
    const ours = [process.execPath, "network-steps.ts", ...given];
    const theirs = python === null ? null : [python, "peers/networks.py", ...given];
    compared.push({ network, ...(await sideBySide(ours, theirs)) });
  }
  return compared;
}

/** Commands, each with a script of this folder, that answer as `Side` asks. */
export async function sideBySide(
  ours: readonly string[],
  theirs: readonly string[] | null,
): Promise<Measured> {
  const own = sideOf(ours);
  const other = theirs && sideOf(theirs);
  try {
    return await inTurns(own, other);
  } finally {
    own.kill();
    other?.kill();
  }
}

function sideOf([command = "", script = "", ...given]: readonly string[]): Side {
  return new Side(command, [join(import.meta.dirname, script), ...given]);
}

async function inTurns(ours: Side, theirs: Side | null): Promise<Measured> {
  // The first steps fill caches and arenas, and say how many make a turn.
  await ours.steps(2);
  await theirs?.steps(2);
  const { step } = await ours.steps(1);
  const count = Math.max(1, Math.round(turnSeconds / step));
  const own: { step: number; around: number }[] = [];
  const other: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    own.push(await ours.steps(count));
    if (theirs) other.push((await theirs.steps(count)).step);
  }
  return {
    ours: Math.min(...own.map((each) => each.step)),
    theirs: theirs ? Math.min(...other) : Number.NaN,
    around: Math.min(...own.map((each) => each.around)),
    ourPeak: await ours.end(),
    theirPeak: theirs ? await theirs.end() : Number.NaN,
  };
}

/** The Python, where it has torch. */
export function withTorch(python: string | null): string | null {
  if (python === null) return null;
  return spawnSync(python, ["-c", "import torch"], { stdio: "ignore" }).status === 0
    ? python
    : null;
}

const threads = availableParallelism();

export const peer = "torch eager";

export const conditions = `float32, ${String(threads)} threads, fastest of ${String(turns)} interleaved turns, a process each`;

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
