/** One step of a UNet beside diffusers on torch eager: seconds and peak memory. */
import { availableParallelism } from "node:os";
import { conditions, peer, sideBySide, withTorch } from "./side-by-side.ts";
import type { BenchContext, BenchResult } from "./types.ts";

/** Theirs by ours, of both. */
const least = 1;

export async function unetStep(context: BenchContext): Promise<BenchResult[]> {
  const python = withTorch(context.python);
  const threads = String(availableParallelism());
  const rows: BenchResult[] = [];
  for (const size of ["tiny", "middle"]) {
    const { ours, theirs, ourPeak, theirPeak } = await sideBySide(
      [process.execPath, "unet-steps.ts", size, "plain", threads],
      python === null ? null : [python, "peers/unets.py", size, threads],
    );
    const beside = (value: number, other: number) => ({
      target: `>= ${String(least)} x peer`,
      ok: python === null || other / value >= least,
      ...(python !== null && { peer: `diffusers, ${peer}`, ratio: other / value }),
    });
    const what = `batch 2, 64x64 latents, ${conditions}`;
    rows.push(
      {
        name: `unet-step.${size}`,
        value: ours,
        unit: "s",
        ...beside(ours, theirs),
        conditions: what,
      },
      {
        name: `unet-step.${size}-memory`,
        value: ourPeak / 1e9,
        unit: "GB",
        ...beside(ourPeak, theirPeak),
        conditions: "peak of the whole process",
      },
    );
  }
  return rows;
}
