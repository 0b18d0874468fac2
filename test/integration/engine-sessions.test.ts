/** Sessions through the engine's one door: cached, evicted, refused; estimates against what the system measures. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { input, matmul, multiply, weight } from "../../src-main/core/graph/build/index.ts";
import { type Graph, graphOf } from "../../src-main/core/graph/node.ts";
import { Runtime } from "../../src-main/engine/runtime.ts";
import { Sessions } from "../../src-main/engine/sessions.ts";

const megabyte = 2 ** 20;
const wish = { what: "This graph", provider: "cpu", fallback: false } as const;

/** y = x w with a weight of 1 MiB that is `value` everywhere. */
function product(value: number): Graph {
  const bytes = new Uint8Array(new Float32Array(512 * 512).fill(value).buffer);
  return graphOf({
    y: matmul(input("x", ["rows", 512]), weight("w", [512, 512], { kind: "bytes", bytes })),
  });
}

const sessions = (budgetMegabytes: number) =>
  new Sessions(new Runtime({ threads: 2 }), budgetMegabytes * megabyte);

async function first(of: Sessions, value: number): Promise<number | bigint | undefined> {
  using opened = await of.lease(product(value), { ...wish, sizes: new Map([["rows", 2]]) });
  const x = { shape: [2, 512], values: new Float32Array(1024).fill(1) };
  return (await opened.session.run({ x }))["y"]?.values[0];
}

describe("sessions", () => {
  it("are kept for equal graphs, tell weights apart, and make room for each other", async () => {
    const all = sessions(5);
    expect(await Promise.all([1, 2, 1, 2].map((value) => first(all, value)))).toEqual([
      512, 1024, 512, 1024,
    ]);
    expect(all.use).toEqual({
      sessions: 2,
      opened: 2,
      bytes: 4 * megabyte,
      budgetBytes: 5 * megabyte,
    });
    expect(await first(all, 3)).toBe(1536);
    expect(all.use.sessions).toBe(2);
    // The first was closed over the third, and opens again.
    expect(await first(all, 1)).toBe(512);
  });

  it("say on what they run, and in how many threads", async () => {
    await using opened = await sessions(5).openAlone(product(1), {
      ...wish,
      sizes: new Map([["rows", 1]]),
      threads: 1,
    });
    expect(opened).toMatchObject({ provider: "cpu", threads: 1, passedOver: [] });
    expect(opened.estimate.weights).toBe(megabyte);
  });

  it("are not opened for runs that would not fit, and the cache gives way first", async () => {
    const all = sessions(5);
    await first(all, 1);
    await first(all, 2);
    const rows = 10 ** 12;
    const huge = all.lease(product(1), { ...wish, sizes: new Map([["rows", rows]]) });
    await expect(huge).rejects.toMatchObject({ code: "out-of-memory" });
    await expect(huge).rejects.toThrow(
      /This graph needs about 4096000\.0 GB: .*2048000\.0 GB of inputs/,
    );
    // All but the one that was asked for.
    expect(all.use.sessions).toBe(1);
    expect(all.states.find(({ name }) => name === "cpu")?.reason).toBeUndefined();
    expect(await first(all, 1)).toBe(512);
  });

  it("refuse shapes that cannot be without blaming a provider", async () => {
    const all = sessions(5);
    using opened = await all.lease(graphOf({ y: multiply(input("x", [2]), 2) }), wish);
    await expect(
      opened.session.run({ x: { shape: [3], values: new Float32Array(3) } }),
    ).rejects.toMatchObject({ code: "shape-mismatch" });
  });
});

describe("an estimate", () => {
  it.skipIf(process.platform !== "linux")("is near what a run really takes", () => {
    const script = join(import.meta.dirname, "..", "support", "measure-memory.ts");
    const text = execFileSync(process.execPath, [script], { encoding: "utf8" });
    const { estimated, taken } = JSON.parse(text) as { estimated: number; taken: number };
    expect(taken).toBeGreaterThan(100e6);
    expect(estimated / taken).toBeGreaterThan(0.5);
    expect(estimated / taken).toBeLessThan(3);
  });
});
