/** Trainings in the engine: the same bits through every interruption, and an end by name. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { elementCount } from "../../src-main/core/tensor/dtype.ts";
import { type Engine, startEngine } from "../../src-main/engine/client.ts";
import type { TrainingReport } from "../../src-preload/contract/engine.ts";
import { temporaryFolder } from "../support/library.ts";

const small = { kind: "self-test", width: 16, batch: 32, rate: 0.003 } as const;
/** Steps of some milliseconds, so that an engine can be met in the middle of one. */
const slow = { kind: "self-test", width: 512, batch: 512, rate: 0.001 } as const;

type Task = Parameters<Engine["client"]["train"]>[0];

let engine: Engine;
beforeAll(() => {
  engine = startEngine("training");
});
afterAll(() => engine[Symbol.asyncDispose]());

async function task(more: Partial<Task> = {}): Promise<Task> {
  const path = join(await temporaryFolder(), "deep", "checkpoint.safetensors");
  return {
    id: path,
    trainable: small,
    seed: 3,
    steps: 60,
    checkpoint: { path, seconds: 1e6 },
    provider: "cpu",
    fallback: false,
    ...more,
  };
}

/** Trains to the end; `on` hears every report and may interrupt. */
async function run(
  what: Task,
  on: (report: TrainingReport) => unknown = () => undefined,
  signal?: AbortSignal,
): Promise<TrainingReport[]> {
  const reports: TrainingReport[] = [];
  for await (const report of await engine.client.train(what, signal && { signal })) {
    reports.push(report);
    await on(report);
  }
  return reports;
}

const hashOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** By the format's description: eight bytes of length, then JSON. */
function headerOf(path: string): Record<string, Record<string, unknown>> {
  const bytes = readFileSync(path);
  const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE()));
  return JSON.parse(header.toString("utf8")) as Record<string, Record<string, unknown>>;
}

async function trainedHash(what: Task): Promise<string> {
  await run(what);
  return hashOf(what.checkpoint.path);
}

describe("a training", () => {
  it("learns, and writes what it learnt with a record of how", async () => {
    const what = await task({ steps: 300 });
    const reports = await run(what);
    const [started] = reports;
    expect(started).toMatchObject({ kind: "started", step: 0, provider: "cpu", passedOver: [] });
    expect(reports.at(-1)).toMatchObject({ kind: "ended", reason: "done", step: 300 });
    const saved = reports.find((report) => report.kind === "saved");
    expect(saved?.fingerprint).toBe(hashOf(what.checkpoint.path));
    const curve = saved?.curve ?? [];
    expect(curve.map(({ step }) => step)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
    const mean = (points: typeof curve) =>
      points.reduce((sum, { loss }) => sum + loss, 0) / points.length;
    expect(mean(curve.slice(-20))).toBeLessThan(0.4 * mean(curve.slice(0, 20)));
    expect(curve[4]?.rate).toBeCloseTo(0.0015, 12);

    const { __metadata__: metadata, ...tensors } = headerOf(what.checkpoint.path);
    const record = JSON.parse(String(metadata?.["facet.training"])) as unknown;
    expect(record).toMatchObject({ step: 300, random: { seed: 3, next: 301 }, trainable: small });
    const names = Object.keys(tensors);
    expect(names.filter((name) => name.startsWith("parameter:"))).toHaveLength(6);
    const elements = (kind: string) =>
      Object.entries(tensors)
        .filter(([name]) => name.startsWith(kind))
        .reduce((sum, [, tensor]) => sum + elementCount(tensor["shape"] as number[]), 0);
    // Moments of small parameters are kept as one vector.
    expect([elements("first:"), elements("second:")]).toEqual(
      Array.from({ length: 2 }, () => elements("parameter:")),
    );
  });

  it("gives the same bytes for the same seed, and others for another", async () => {
    const [one, same, other] = [
      await trainedHash(await task()),
      await trainedHash(await task()),
      await trainedHash(await task({ seed: 4 })),
    ];
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });
});

describe("a training that is interrupted", () => {
  it("goes on from where it was stopped, to the same bytes", async () => {
    const wanted = await trainedHash(await task({ steps: 400 }));
    const what = await task({ steps: 400 });
    const stops: number[] = [];
    for (let call = 0; call < 100; call++) {
      const reports = await run(what, (report) =>
        report.kind === "progress"
          ? engine.client.stopTraining({ id: what.id, save: true })
          : undefined,
      );
      const end = reports.at(-1);
      expect(reports[0]).toMatchObject({ kind: "started", step: stops.at(-1) ?? 0, inexact: [] });
      if (end?.kind === "ended" && end.reason === "done") break;
      expect(end).toMatchObject({ kind: "ended", reason: "stopped" });
      stops.push(end?.kind === "ended" ? end.step : 0);
    }
    expect(stops.length).toBeGreaterThan(0);
    expect(hashOf(what.checkpoint.path)).toBe(wanted);
  });

  it("goes on from its last checkpoint after the engine was killed in a step, to the same bytes", async () => {
    const shape = { trainable: slow, steps: 40 };
    const wanted = await trainedHash(await task(shape));
    const what = await task({ ...shape, checkpoint: { path: (await task()).id, seconds: 0.1 } });
    let saved = 0;
    let heard = 0;
    const failure: unknown = await run(what, async (report) => {
      if (report.kind === "saved") saved = report.step;
      if (report.kind === "progress") heard = report.step;
      if (saved < 5) return;
      // Not between two steps, but wherever in one this falls.
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (engine.pid !== undefined) process.kill(engine.pid, "SIGKILL");
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "engine-unavailable" });
    expect(String(failure)).toMatch(/killed from outside/);
    expect(readdirSync(join(what.checkpoint.path, "..")).length).toBeGreaterThan(0);
    const reports = await run(what);
    const [started] = reports;
    if (started?.kind !== "started") throw new Error("the training did not say where it began");
    expect(started.step).toBeGreaterThanOrEqual(saved);
    expect(started.step).toBeLessThan(40);
    expect(heard).toBeLessThan(40);
    expect(hashOf(what.checkpoint.path)).toBe(wanted);
  });

  it("is cancelled between two steps, and the engine lives on", async () => {
    const what = await task({ trainable: slow, steps: 100_000 });
    await engine.client.status({});
    const { pid } = engine;
    const controller = new AbortController();
    const failure: unknown = await run(
      what,
      (report) => (report.kind === "progress" ? controller.abort() : undefined),
      controller.signal,
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    await expect
      .poll(() => engine.client.stopTraining({ id: what.id, save: true }))
      .toEqual({ found: false });
    expect(engine.pid).toBe(pid);
    expect(existsSync(what.checkpoint.path)).toBe(false);
  });
});

describe("a loss that is no number", () => {
  it("ends the training at its step, and the last good checkpoint stays", async () => {
    const trainable = { ...small, spoilAt: 37 };
    const good = await trainedHash(await task({ trainable, steps: 36 }));
    const what = await task({ trainable });
    what.checkpoint.seconds = 0;
    const failure: unknown = await run(what).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "not-finite", path: what.checkpoint.path });
    expect(String(failure)).toMatch(/NaN at step 37 of 60.*The checkpoint of step 36 is kept/);
    expect(hashOf(what.checkpoint.path)).toBe(good);
  });

  it("that comes of a rate beyond reason is named as well, where nothing was saved yet", async () => {
    const failure: unknown = await run(await task({ trainable: { ...small, rate: 1e30 } })).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "not-finite" });
    expect(String(failure)).toMatch(/at step \d+ of 60.*no checkpoint before it/);
  });
});

describe("what cannot be trained", () => {
  it("is refused with all sizes before anything is allocated", async () => {
    const failure: unknown = await run(
      await task({ trainable: { ...small, width: 2 ** 21 } }),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "out-of-memory" });
    // Two moments and a parameter of 2^42 numbers, in and out: 2^42 * 4 bytes * 6.
    expect(String(failure)).toMatch(
      /needs about \d+\.\d GB: .* of weights, 527\d\d\.\d GB of inputs/,
    );
    expect(String(failure)).toMatch(/GB of [\d.]+ GB are free/);
    expect((await engine.client.status({})).memoryBytes).toBeLessThan(2e9);
  });

  it("falls back to another provider only where that is allowed, and says so", async () => {
    // A provider that this platform never has.
    const provider = process.platform === "win32" ? "coreml" : "dml";
    const refused: unknown = await run(await task({ provider })).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "unsupported", field: "provider" });
    expect(String(refused)).toMatch(/(dml|coreml): not for .*Allow another to take over/);
    const [started] = await run(await task({ provider, fallback: true }));
    if (started?.kind !== "started") throw new Error("the training did not begin");
    expect(started.provider).not.toBe(provider);
    expect(started.passedOver[0]).toMatchObject({
      provider,
      reason: expect.stringMatching(/^not for/) as string,
    });
  });

  it("is a checkpoint of another training, or a damaged one, by name", async () => {
    const what = await task({ steps: 5 });
    await run(what);
    await expect(run({ ...what, seed: 4 })).rejects.toMatchObject({
      code: "fingerprint-mismatch",
      path: what.checkpoint.path,
      message: expect.stringMatching(/its seed is 3, not 4/) as string,
    });
    await expect(run({ ...what, trainable: { ...small, width: 17 } })).rejects.toMatchObject({
      code: "fingerprint-mismatch",
    });
    truncateSync(what.checkpoint.path, 3000);
    await expect(run(what)).rejects.toMatchObject({
      code: "truncated",
      path: what.checkpoint.path,
    });
  });
});
