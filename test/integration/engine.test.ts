/** The engine as a process: files in, spaces out, errors by name, and life after its death. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Source } from "../../src-preload/contract/engine.ts";
import { FacetError } from "../../src-main/core/errors.ts";
import { type Engine, startEngine } from "../../src-main/engine/client.ts";
import { madeUpLora, writeLora } from "../support/loras.ts";

let folder = "";
let engine: Engine;
const members: { id: string; source: Source }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet-engine-"));
  engine = startEngine("background");
  for (let seed = 0; seed < 10; seed++) {
    const path = join(folder, `person ${String(seed)}.safetensors`);
    writeLora(path, madeUpLora(seed));
    members.push({ id: `id${String(seed)}`, source: { kind: "file", path } });
  }
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function fit(to: string, form: "aligned" | "delta") {
  const reports = await engine.client.fit({
    members,
    form,
    components: 9,
    standardise: false,
    seed: 1,
    to,
  });
  const seen: string[] = [];
  for await (const report of reports) {
    if (report.kind === "done") return { outcome: report, seen };
    seen.push(report.step);
  }
  throw new Error("the fit gave no outcome");
}

describe("scan", () => {
  it("answers each file for itself", async () => {
    const bad = join(folder, "bad.safetensors");
    writeFileSync(bad, "not a tensor file");
    const good = join(folder, "person 0.safetensors");
    const results = await engine.client.scan({
      paths: [good, bad, join(folder, "gone.safetensors")],
    });
    expect(
      results.map((result) =>
        "failure" in result ? result.failure.code : result.inspection.modules,
      ),
    ).toEqual([4, expect.stringMatching(/malformed|truncated|too-large/), "not-found"]);
    expect(results[1]).toMatchObject({ path: bad, failure: { path: bad } });
  });
});

describe("fit", () => {
  it.each(["aligned", "delta"] as const)(
    "writes a space that is opened, located in and exported from (%s)",
    async (form) => {
      const to = join(folder, `${form}.safetensors`);
      const { outcome, seen } = await fit(to, form);
      expect(outcome).toMatchObject({
        form,
        members: 10,
        components: 9,
        rank: 2,
        modules: 4,
        skipped: [],
      });
      expect(seen.length).toBeGreaterThan(0);
      const opened = await engine.client.openSpace({ space: to });
      expect(opened.members).toEqual(members.map(({ id }) => id));
      expect(opened.histograms).toHaveLength(9);
      const [first] = members;
      if (first === undefined) throw new Error("no members");
      const located = await engine.client.locate({ space: to, ...first });
      const projected = await engine.client.locate({ space: to, source: first.source });
      expect(located.member).toBe(true);
      expect(projected.member).toBe(false);
      // A projection is the nearest point: never further away than the member's own coordinates.
      expect(projected.residual).toBeLessThan(located.residual + 0.01);
      expect(located.residual).toBeLessThan(0.7);
      const point = {
        kind: "point",
        space: to,
        coordinates: located.coordinates,
        rank: 2,
      } as const;
      const one = await engine.client.describe({ source: point });
      const two = await engine.client.describe({ source: point });
      expect(one.fingerprint).toBe(two.fingerprint);
    },
  );

  it("is cancelled between members and leaves no file", async () => {
    const controller = new AbortController();
    const to = join(folder, "cancelled.safetensors");
    await engine.client.status({});
    const { pid } = engine;
    const reports = await engine.client.fit(
      { members, form: "delta", components: 5, standardise: false, seed: 1, to },
      { signal: controller.signal },
    );
    await expect(async () => {
      for await (const _ of reports) controller.abort();
    }).rejects.toThrow();
    expect((await engine.client.scan({ paths: [to] }))[0]).toMatchObject({
      failure: { code: "not-found" },
    });
    // What is cancelled ends; the engine does not.
    await engine.client.status({});
    expect(engine.pid).toBe(pid);
  });
});

describe("errors", () => {
  it("cross the border with code, path and message", async () => {
    const path = join(folder, "nothing here.safetensors");
    const error: unknown = await engine.client.read({ path }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FacetError);
    expect(error).toMatchObject({ code: "not-found", path });
  });
});

describe("a killed engine", () => {
  it("fails the call that ran by name and answers the next one", async () => {
    const exits: (number | null)[] = [];
    engine.onExit((code) => exits.push(code));
    await engine.client.status({});
    const { pid } = engine;
    if (pid === undefined) throw new Error("no engine runs");
    const to = join(folder, "killed.safetensors");
    const running = fit(to, "delta").catch((reason: unknown) => reason);
    process.kill(pid, "SIGKILL");
    expect(await running).toMatchObject({ code: "engine-unavailable" });
    expect(exits).toHaveLength(1);
    expect((await engine.client.status({})).onnxruntime).toMatch(/^\d+\.\d+/);
    expect(engine.pid).not.toBe(pid);
  });
});

describe("an engine that works", () => {
  it.skipIf(process.platform !== "linux")("offers itself as the first to end", async () => {
    await engine.client.status({});
    const score = readFileSync(`/proc/${String(engine.pid)}/oom_score_adj`, "utf8");
    expect(score.trim()).toBe("1000");
  });

  it("says what could compute here, in what precision, and what it holds", async () => {
    const { providers, devices, sessions, memoryBytes } = await engine.client.status({});
    expect(providers.map(({ name }) => name).toSorted()).toEqual([
      "coreml",
      "cpu",
      "cuda",
      "dml",
      "webgpu",
    ]);
    expect(providers.filter(({ available }) => available).at(-1)).toMatchObject({
      name: "cpu",
      precision: { training: "F32" },
    });
    for (const { available, reason } of providers) {
      if (!available) expect(reason).toMatch(/\w/);
    }
    expect(devices.at(-1)).toMatchObject({ provider: "cpu", memoryBytes: totalmem() });
    expect(sessions.budgetBytes).toBeGreaterThan(0.3 * totalmem());
    expect(memoryBytes).toBeGreaterThan(1e7);
  });
});

describe("an engine that cannot start", () => {
  it("is given up after three tries, by name", async () => {
    let starts = 0;
    await using broken = startEngine("background", () => {
      starts += 1;
      const listeners: (() => void)[] = [];
      setTimeout(() => listeners.forEach((listener) => listener()), 5);
      return {
        pid: undefined,
        port: {
          postMessage: () => undefined,
          on: (event, listener) => void (event === "close" && listeners.push(() => listener())),
        },
        onExit: (listener) => void listeners.push(() => listener(1)),
        kill: () => undefined,
      };
    });
    for (let call = 0; call < 6; call++) {
      await expect(broken.client.status({})).rejects.toMatchObject({ code: "engine-unavailable" });
    }
    expect(starts).toBe(3);
  });
});
