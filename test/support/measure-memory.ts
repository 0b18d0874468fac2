/** Runs a small network in a process of its own and prints what was estimated for it and what it took, as JSON. Linux only. */
import { readFileSync } from "node:fs";
import { gelu, input, matmul, multiply } from "../../src-main/core/graph/build/index.ts";
import { estimateMemory } from "../../src-main/core/graph/memory.ts";
import { graphOf, type Node } from "../../src-main/core/graph/node.ts";
import { openSession } from "../../src-main/engine/session.ts";

const rows = 4096;
const width = 1024;

function bytesOf(name: string): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
}

// Forward values that are kept for a way back, as a training step keeps them.
const kept: Node[] = [];
let h: Node = input("x", [rows, width]);
const w = input("w", [width, width]);
for (let layer = 0; layer < 12; layer++) {
  h = gelu(matmul(h, w));
  kept.push(h);
}
for (const value of kept.toReversed()) h = matmul(multiply(value, h), w);
const graph = graphOf({ y: h });

const tensor = (shape: readonly number[]) => ({
  shape,
  values: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.001),
});
const feeds = { x: tensor([rows, width]), w: tensor([width, width]) };
await using session = await openSession(graph, { provider: "cpu", threads: 2 });
const before = bytesOf("VmRSS");
await session.run(feeds);
const { live, outputs } = estimateMemory(graph);
console.log(JSON.stringify({ estimated: live + outputs, taken: bytesOf("VmHWM") - before }));
