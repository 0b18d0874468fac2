/** The cache of sessions, over sessions that are only names. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { add, constant, input, matmul, weight } from "../../../src-main/core/graph/build/index.ts";
import { type Graph, graphOf } from "../../../src-main/core/graph/node.ts";
import { SessionCache, sessionBytes, sessionKey } from "../../../src-main/engine/session-cache.ts";

const onCpu = { provider: "cpu", threads: 2 } as const;
const megabyte = 2 ** 20;

/** A graph with one weight of `megabytes`, filled with `value`. */
function graph(megabytes: number, value = 0): Graph {
  const bytes = new Uint8Array(megabytes * megabyte).fill(value);
  const w = weight("w", [megabytes * 2 ** 8, 2 ** 10], { kind: "bytes", bytes });
  return graphOf({ y: matmul(input("x", [1, megabytes * 2 ** 8]), w) });
}

function cache(budgetMegabytes: number) {
  const opened: string[] = [];
  const closed: string[] = [];
  let fail = false;
  const sessions = new SessionCache<string>({
    budgetBytes: budgetMegabytes * megabyte,
    open: async (one, { provider }) => {
      await Promise.resolve();
      if (fail) throw new Error("no");
      const name = `${provider} ${String(sessionBytes(one, provider) / megabyte)} #${String(opened.length)}`;
      opened.push(name);
      return name;
    },
    close: (name) => {
      closed.push(name);
      return Promise.resolve();
    },
  });
  return { sessions, opened, closed, failNext: (value: boolean) => (fail = value) };
}

it("opens one session for equal graphs, however many ask at once", async () => {
  const { sessions, opened } = cache(100);
  const leases = await Promise.all(
    [graph(1), graph(1), graph(1)].map((g) => sessions.lease(g, onCpu)),
  );
  expect(new Set(leases.map(({ session }) => session)).size).toBe(1);
  await sessions.lease(graph(1), { ...onCpu, provider: "webgpu" });
  await sessions.lease(graph(1), { ...onCpu, threads: 1 });
  expect(opened).toHaveLength(3);
});

it("closes the least recently used when the budget is full, never one in use", async () => {
  // Each takes a megabyte besides its weights.
  const { sessions, closed } = cache(12);
  const first = await sessions.lease(graph(3, 1), onCpu);
  using second = await sessions.lease(graph(3, 2), onCpu);
  const third = await sessions.lease(graph(3, 3), onCpu);
  first[Symbol.dispose]();
  third[Symbol.dispose]();
  expect(sessions.use).toEqual({
    sessions: 3,
    opened: 3,
    bytes: 12 * megabyte,
    budgetBytes: 12 * megabyte,
  });
  // Used again, so that the third is older.
  (await sessions.lease(graph(3, 1), onCpu))[Symbol.dispose]();
  (await sessions.lease(graph(3, 4), onCpu))[Symbol.dispose]();
  expect(closed).toEqual([third.session]);
  // Larger than all: everything goes but what is used.
  (await sessions.lease(graph(20), onCpu))[Symbol.dispose]();
  expect(closed).not.toContain(second.session);
  expect(sessions.use.sessions).toBe(2);
  await sessions.clear();
  expect(sessions.use).toMatchObject({ sessions: 1, bytes: 4 * megabyte });
});

it("keeps the session that is asked for when the check makes room", async () => {
  const { sessions, opened, closed } = cache(100);
  const one = graph(1);
  (await sessions.lease(one, onCpu))[Symbol.dispose]();
  (await sessions.lease(graph(2), onCpu))[Symbol.dispose]();
  using again = await sessions.lease(one, onCpu, () => sessions.clear());
  expect(again.session).toBe(opened[0]);
  expect(closed).toEqual([opened[1]]);
  await expect(
    sessions.lease(one, onCpu, () => Promise.reject(new Error("too large"))),
  ).rejects.toThrow("too large");
  expect(sessions.use).toMatchObject({ sessions: 1, opened: 2 });
});

it("tries again after a failure", async () => {
  const { sessions, failNext } = cache(10);
  failNext(true);
  await expect(sessions.lease(graph(1), onCpu)).rejects.toThrow("no");
  expect(sessions.use.sessions).toBe(0);
  failNext(false);
  expect((await sessions.lease(graph(1), onCpu)).session).toBe("cpu 1 #0");
});

it("tells graphs apart by every value, and files by their state", () => {
  const long = (at: number) => {
    const values = new Float32Array(1000);
    values[at] = 1;
    return graphOf({ y: add(input("x", [1000]), constant(values, [1000])) });
  };
  expect(sessionKey(long(500), onCpu)).not.toBe(sessionKey(long(501), onCpu));
  expect(sessionKey(long(500), onCpu)).toBe(sessionKey(long(500), onCpu));

  const folder = mkdtempSync(join(tmpdir(), "facet-cache-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "weights");
  writeFileSync(path, new Uint8Array(16));
  const source = { kind: "file", path, offset: 0, length: 16 } as const;
  const stored = () => graphOf({ y: add(input("x", [4]), weight("w", [4], source)) });
  const before = sessionKey(stored(), onCpu);
  expect(sessionKey(stored(), onCpu)).toBe(before);
  utimesSync(path, 1, 1);
  expect(sessionKey(stored(), onCpu)).not.toBe(before);
});
