/** One fit in a process of its own, so that its peak memory is its own: node pca-once.ts FILE MEMBERS DIMENSION K. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fitFactors } from "../../src-main/core/spaces/factor-fit.ts";
import { runtimeProducts } from "../../src-main/engine/products.ts";
import { Runtime } from "../../src-main/engine/runtime.ts";
import { fileStage, openScratch } from "../../src-main/engine/tasks/stage.ts";

const [path = "", members = "0", dimension = "0", components = "0"] = process.argv.slice(2);
const started = performance.now();
const descriptor = openSync(path, "r");
using scratch = openScratch(path);
const fit = await fitFactors(
  fileStage(descriptor, path, Number(members), Number(dimension)),
  false,
  {
    components: Number(components),
    seed: 0,
    products: runtimeProducts(new Runtime({ threads: availableParallelism() })),
    makeStage: scratch.makeStage,
    progress: () => Promise.resolve(),
  },
);
closeSync(descriptor);
const seconds = (performance.now() - started) / 1000;
const explained = fit.explained.reduce((sum, share) => sum + share, 0);
process.stdout.write(`${JSON.stringify({ seconds, peakBytes: peakBytes(), explained })}\n`);

/** High-water mark of resident memory; the system's own figure where it has one. */
function peakBytes(): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
    return Number(line?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
