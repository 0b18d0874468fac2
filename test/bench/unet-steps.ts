/** One UNet in ONNX Runtime, a process of its own as network-steps.ts is: node unet-steps.ts SIZE plain|live THREADS. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { openSession, type Tensors } from "../../src-main/engine/session.ts";
import { measuredUnet, sizes } from "./unet-sizes.ts";

const [size = "", mode = "", threads = ""] = process.argv.slice(2);
const config = sizes[size];
if (config === undefined) throw new Error(`no UNet is called ${size}`);
const { graph, feeds, close } = measuredUnet(config, {
  live: mode === "live",
  apart: size !== "wide",
});
const options = { provider: "cpu", threads: Number(threads), spinning: true } as const;
const session = await openSession(graph, options);
close();
const results: Tensors = {};
for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  for (let count = Number(line); count > 0; count--) await session.run(feeds, results);
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${JSON.stringify({ seconds })}\n`);
}
const peak = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
process.stdout.write(`${JSON.stringify({ peakBytes: Number(peak?.[1]) * 1024 })}\n`);
