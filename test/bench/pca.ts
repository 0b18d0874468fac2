/** PCA of 4,096 members x 99,648 numbers, k = 512, beside scikit-learn's randomized PCA on the same file. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { fileStage } from "../../src-main/engine/tasks/stage.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const size = { members: 4096, dimension: 99_648, components: 512 };
const Measured = z.object({ seconds: z.number(), peakBytes: z.number(), explained: z.number() });

/** Members from a decaying spectrum plus noise, as a set of LoRAs has. */
function makeMembers(path: string): void {
  const random = seededRandom(1);
  const { members, dimension } = size;
  const latent = 768;
  const descriptor = openSync(path, "w+");
  const stage = fileStage(descriptor, path, members, dimension);
  // Each latent direction touches one residue class of the dimensions, so that mixing stays linear in size.
  const weights = Float32Array.from({ length: dimension }, () => random.normal());
  const row = new Float32Array(dimension);
  for (let member = 0; member < members; member++) {
    const scores = Float32Array.from(
      { length: latent },
      (_, at) => (random.normal() * 12) / (1 + at) ** 0.7,
    );
    const noise = random.uniform();
    for (let i = 0; i < dimension; i++) {
      const wobble = ((i * 0.618033 + member * 0.7548776 + noise) % 1) - 0.5;
      row[i] = (weights[i] as number) * (scores[i % latent] as number) + 0.2 * wobble;
    }
    stage.write(member, row);
  }
  closeSync(descriptor);
}

function run(command: string, args: readonly string[]): z.infer<typeof Measured> {
  const done = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 24 });
  if (done.status !== 0) throw new Error(`${command} failed: ${done.stderr}`);
  return Measured.parse(JSON.parse(done.stdout.trim().split("\n").at(-1) ?? ""));
}

export function pca({ python }: BenchContext): BenchResult[] {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  const path = join(folder, "members.f32");
  try {
    makeMembers(path);
    const shape = [String(size.members), String(size.dimension), String(size.components)];
    const here = (name: string) => join(import.meta.dirname, name);
    const ours = () => run(process.execPath, [here("pca-once.ts"), path, ...shape]);
    const theirs = () =>
      python === null ? null : run(python, [here("peers/pca.py"), path, ...shape]);
    // Interleaved: machine speed drifts. Two rounds, the better of each.
    const rounds = [0, 1].map(() => ({ ours: ours(), theirs: theirs() }));
    const least = (values: readonly (number | undefined)[]) =>
      Math.min(...values.filter((value) => value !== undefined));
    const conditions = `${shape.join(" x ")}, float32, members on disk in the page cache, better of 2 interleaved rounds`;
    const seconds = least(rounds.map((round) => round.ours.seconds));
    const peak = least(rounds.map((round) => round.ours.peakBytes));
    const explained = rounds[0]?.ours.explained ?? 0;
    const peer = python === null ? null : "scikit-learn PCA(svd_solver=randomized)";
    const peerSeconds = least(rounds.map((round) => round.theirs?.seconds));
    const peerPeak = least(rounds.map((round) => round.theirs?.peakBytes));
    const peerExplained = rounds[0]?.theirs?.explained ?? explained;
    const row = (
      name: string,
      value: number,
      unit: string,
      target: string,
      ratio: number,
      ok: boolean,
    ): BenchResult => ({
      name,
      value,
      unit,
      target,
      ok: peer === null || ok,
      conditions,
      ...(peer === null ? {} : { peer, ratio }),
    });
    return [
      row("pca.seconds", seconds, "s", "<= peer", seconds / peerSeconds, seconds <= peerSeconds),
      row("pca.peak", peak / 1e9, "GB", "<= peer / 3", peak / peerPeak, peak <= peerPeak / 3),
      row(
        "pca.explained",
        explained,
        "share",
        "within 0.1 % of peer",
        explained / peerExplained,
        Math.abs(explained / peerExplained - 1) <= 0.001 || explained > peerExplained,
      ),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
