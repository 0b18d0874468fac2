/** Mounts a model in a process of its own, one part after the other, and prints what each took, as JSON lines. */
import { readFileSync } from "node:fs";
import { describeCheckpoint } from "../../src-main/core/checkpoint/describe.ts";
import { contextLayer } from "../../src-main/core/diffusion/text/skip.ts";
import type { Graph } from "../../src-main/core/graph/node.ts";
import { decoderGraph, textGraph, unetGraph } from "../../src-main/engine/pictures/networks.ts";
import { openSession } from "../../src-main/engine/session.ts";
import { openCheckpoint } from "../../src-main/files/checkpoint-files.ts";

const [path = "", threads = "1"] = process.argv.slice(2);

/** Bytes that this process gave to the disk. Linux only. */
function bytesWritten(): number {
  const status = readFileSync("/proc/self/io", "utf8");
  return Number(/^write_bytes: (\d+)$/m.exec(status)?.[1]);
}

function tell(about: Readonly<Record<string, string | number>>): void {
  console.log(JSON.stringify(about));
}

const started = performance.now();
const checkpoint = describeCheckpoint(openCheckpoint(path));
const { family, textEncoders, vae } = checkpoint.config;
const graphs = new Map<string, Graph>(
  textEncoders.map((config) => [
    config.component,
    textGraph(checkpoint, config, contextLayer("comfy", family, config, null), "F32", "low-rank"),
  ]),
);
graphs.set("unet", unetGraph(checkpoint, "F32", "low-rank"));
if (vae) graphs.set("vae", decoderGraph(checkpoint, vae, "F32"));
tell({ part: "graphs", seconds: (performance.now() - started) / 1000, processor: NaN });

for (const [part, graph] of graphs) {
  const from = performance.now();
  const before = process.cpuUsage();
  const session = await openSession(graph, { provider: "cpu", threads: Number(threads) });
  const { user, system } = process.cpuUsage(before);
  tell({
    part,
    seconds: (performance.now() - from) / 1000,
    processor: (user + system) / 1e6,
  });
  await session.close();
}
tell({ part: "written", bytes: bytesWritten() });
