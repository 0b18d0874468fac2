/** Long work: queues, progress, pauses, ends of every kind, and what a later process finds. */
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { FacetError } from "../../src-main/core/errors.ts";
import { type JobContext, Jobs } from "../../src-main/jobs/jobs.ts";
import { thisProcess } from "../../src-main/jobs/owner.ts";
import type { Database } from "../../src-main/library/database.ts";
import { openDatabase } from "../../src-main/library/open.ts";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { temporaryFolder } from "../support/library.ts";

type Work = (context: JobContext, data: { n: number }) => Promise<{ sum: number }>;

async function setUp(work: Work, options: { file?: string; concurrency?: number } = {}) {
  const file = options.file ?? join(await temporaryFolder(), "facet.sqlite");
  const database: Database = await openDatabase(file);
  const jobs = new Jobs(
    database,
    options.concurrency === undefined ? {} : { concurrency: options.concurrency },
  );
  onTestFinished(async () => {
    await jobs.close();
    database.close();
  });
  const define = (kind: Job["kind"], run: Work) =>
    jobs.define(kind, { data: z.object({ n: z.int() }), result: z.object({ sum: z.int() }), run });
  define("fit", work);
  return { jobs, database, define, file };
}

/** Resolves when it is told to. */
function gate() {
  return Promise.withResolvers<void>();
}

describe("a job", () => {
  it("runs to its result and is told of on the way", async () => {
    const { jobs } = await setUp(async (context, { n }) => {
      for (let i = 1; i <= n; i++)
        context.progress({ done: i, total: n, unit: "steps", step: "Adding" });
      return { sum: n };
    });
    const id = jobs.start("fit", "Fit three", { n: 3 });
    expect(jobs.get(id)).toMatchObject({ state: "queued", title: "Fit three" });
    const job = await jobs.ended(id);
    expect(job).toMatchObject({
      state: "done",
      done: 3,
      total: 3,
      result: { sum: 3 },
      failure: null,
    });
    expect(job.startedAt).toBeLessThanOrEqual(job.finishedAt ?? 0);
    expect(jobs.list()).toEqual([job]);
  });

  it("fails with a code, a file and a field", async () => {
    const { jobs, define } = await setUp(() => {
      throw new FacetError("overflow", "unet.x is 70000, more than f16 holds.", {
        path: "/a",
        field: "unet.x",
      });
    });
    const job = await jobs.ended(jobs.start("fit", "", { n: 1 }));
    expect(job.failure).toEqual({
      code: "overflow",
      message: "unet.x is 70000, more than f16 holds.",
      path: "/a",
      field: "unet.x",
    });
    define("export", () => Promise.reject(new TypeError("a mistake of ours")));
    const other = await jobs.ended(jobs.start("export", "", { n: 1 }));
    expect(other).toMatchObject({ state: "failed", failure: { code: "unexpected" } });
    define("rebuild", () => Promise.resolve({ sum: 0.5 }));
    const wrong = await jobs.ended(jobs.start("rebuild", "", { n: 1 }));
    expect(wrong.state).toBe("failed");
    const asked = await jobs.ended(jobs.start("fit", "", { n: "no number" }));
    expect(asked.state).toBe("failed");
  });

  it("pauses between steps, goes on, and can be cancelled while it pauses", async () => {
    const steps: number[] = [];
    const third = gate();
    const { jobs } = await setUp(async (context) => {
      for (let i = 0; i < 6; i++) {
        await context.paused();
        steps.push(i);
        if (i === 2) {
          jobs.pause(context.id);
          third.resolve();
        }
      }
      return { sum: steps.length };
    });
    const id = jobs.start("fit", "", { n: 1 });
    await third.promise;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(steps).toEqual([0, 1, 2]);
    expect(jobs.get(id).state).toBe("paused");
    jobs.resume(id);
    expect(jobs.get(id).state).toBe("running");
    // It pauses no more: the second run through step 2 is another job's.
    expect((await jobs.ended(id)).result).toEqual({ sum: 6 });
    const second = jobs.start("fit", "", { n: 1 });
    await expect.poll(() => jobs.get(second).state).toBe("paused");
    jobs.cancel(second);
    expect(await jobs.ended(second)).toMatchObject({ state: "cancelled", failure: null });
    expect(() => jobs.resume(second)).toThrow(/cancelled/);
  });

  it("keeps what it says it has done when it is cancelled", async () => {
    const begun = gate();
    const { jobs } = await setUp(async ({ signal }) => {
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { sum: 7 };
    });
    const id = jobs.start("fit", "", { n: 1 });
    await begun.promise;
    jobs.cancel(id);
    expect(await jobs.ended(id)).toMatchObject({ state: "cancelled", result: { sum: 7 } });
  });

  it("waits for its kind and for room", async () => {
    let running = 0;
    let most = 0;
    const kinds = new Map<string, number>();
    const work =
      (kind: string): Work =>
      async () => {
        running += 1;
        most = Math.max(most, running);
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        expect(kinds.get(kind)).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 10));
        kinds.set(kind, 0);
        running -= 1;
        return { sum: 1 };
      };
    const { jobs, define } = await setUp(work("fit"), { concurrency: 2 });
    for (const kind of ["export", "import", "rebuild"] as const) define(kind, work(kind));
    const all = (["fit", "fit", "fit", "export", "export", "import", "rebuild"] as const).map(
      (kind) => jobs.start(kind, "", { n: 1 }),
    );
    const [waiting = ""] = all.slice(-1);
    expect(jobs.cancel(waiting).state).toBe("cancelled");
    const ended = await Promise.all(all.map((id) => jobs.ended(id)));
    expect(ended.map(({ state }) => state)).toEqual([
      ...Array<string>(6).fill("done"),
      "cancelled",
    ]);
    expect(most).toBe(2);
  });

  it("leaves the list when it is dismissed, but not while it runs", async () => {
    const open = gate();
    const { jobs } = await setUp(async () => {
      await open.promise;
      return { sum: 1 };
    });
    const id = jobs.start("fit", "", { n: 1 });
    await expect.poll(() => jobs.get(id).state).toBe("running");
    expect(jobs.dismiss(id)).toBe(false);
    open.resolve();
    await jobs.ended(id);
    expect(jobs.dismiss(id)).toBe(true);
    expect(jobs.list()).toEqual([]);
    expect(() => jobs.get(id)).toThrow(/no job/);
  });

  it("tells a slow watcher the latest of each, and many watchers the same", async () => {
    const { jobs, define } = await setUp(async (context) => {
      for (let i = 1; i <= 5000; i++) context.progress({ done: i, total: 5000 });
      return { sum: 5000 };
    });
    define("export", () => Promise.resolve({ sum: 1 }));
    const stop = new AbortController();
    const seen: Job[] = [];
    const watching = (async () => {
      for await (const job of jobs.watch(stop.signal)) seen.push(job);
    })();
    await Promise.all([
      jobs.ended(jobs.start("fit", "", { n: 1 })),
      jobs.ended(jobs.start("export", "", { n: 1 })),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    await watching;
    expect(seen.length).toBeLessThan(20);
    const last = new Map(seen.map((job) => [job.kind, job]));
    expect(last.get("fit")).toMatchObject({ state: "done", done: 5000 });
    expect(last.get("export")).toMatchObject({ state: "done" });
    const first = jobs.watch();
    expect((await first.next()).value).toMatchObject({ state: "done" });
    await first.return(undefined);
  });
});

describe("after the end of a process", () => {
  it("a job that was closed is interrupted and goes on from its checkpoint", async () => {
    const half = gate();
    const first = await setUp(async (context) => {
      context.checkpoint({ at: 5 });
      half.resolve();
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      context.signal.throwIfAborted();
      return { sum: 0 };
    });
    const id = first.jobs.start("fit", "Fit", { n: 9 });
    const queued = first.jobs.start("fit", "Fit", { n: 1 });
    await half.promise;
    await first.jobs.close();
    expect(first.jobs.get(id).state).toBe("interrupted");
    first.database.close();

    const states: unknown[] = [];
    const second = await setUp(
      (context, { n }) => {
        states.push(context.state);
        return Promise.resolve({ sum: n });
      },
      { file: first.file },
    );
    expect(second.jobs.list().map(({ state }) => state)).toEqual(["interrupted", "interrupted"]);
    second.jobs.resume(id);
    expect(await second.jobs.ended(id)).toMatchObject({ state: "done", result: { sum: 9 } });
    second.jobs.resume(queued);
    await second.jobs.ended(queued);
    expect(states).toEqual([{ at: 5 }, undefined]);
  });

  it("a job whose process is gone is interrupted; another living process's is left alone", async () => {
    const first = await setUp(() => Promise.resolve({ sum: 1 }));
    const insert = (id: string, owner: string, heartbeat: number) =>
      first.database
        .statement(
          `insert into jobs (id, kind, title, state, data, owner, heartbeat)
           values (?, 'fit', '', 'running', '{"n":1}', ?, ?)`,
        )
        .run(id, owner, heartbeat);
    const host = thisProcess().slice(0, thisProcess().lastIndexOf("/"));
    insert("gone", `${host}/99999999`, Date.now());
    insert("silent", `${host}/${process.ppid}`, Date.now() - 120_000);
    insert("same-number", thisProcess(), Date.now());
    insert("alive", `${host}/${process.ppid}`, Date.now());
    const second = await setUp(() => Promise.resolve({ sum: 2 }), { file: first.file });
    const state = (id: string) => second.jobs.get(id).state;
    expect(["gone", "silent", "same-number", "alive"].map(state)).toEqual([
      "interrupted",
      "interrupted",
      "interrupted",
      "running",
    ]);
    // One of its kind at a time, across processes.
    const waiting = second.jobs.start("fit", "", { n: 1 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(state(waiting)).toBe("queued");
    expect(() => second.jobs.cancel("alive")).toThrow(/another Facet process/);
    expect(second.jobs.dismiss("alive")).toBe(false);
  });
});
