/** The runtime keeps no diary of what is run, and so has nothing to send. */
import { readdirSync, readlinkSync } from "node:fs";
import { expect, it } from "vitest";
import { add, input } from "../../src-main/core/graph/build/index.ts";
import { graphOf } from "../../src-main/core/graph/node.ts";
import { openSession } from "../../src-main/engine/session.ts";

/** Where this process's open files lie. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((number) => {
    try {
      return [readlinkSync(`/proc/self/fd/${number}`)];
    } catch {
      // The one that lists the others.
      return [];
    }
  });
}

it.runIf(process.platform === "linux")("a session opens no files but the model's", async () => {
  const x = input("x", [2]);
  await using session = await openSession(graphOf({ y: add(x, x) }), {
    provider: "cpu",
    threads: 1,
  });
  await session.run({ x: { shape: [2], values: Float32Array.of(1, 2) } });
  const files = openFiles();
  expect(files.length).toBeGreaterThan(3);
  expect(files.filter((path) => /onnxruntime\.db|mat-debug/.test(path))).toEqual([]);
});
