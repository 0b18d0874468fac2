/** How a command waits for a job: its result, its failure, and Ctrl+C. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { jobResult, type StudioClient, type Surroundings } from "../../../src-main/cli/command.ts";
import { Output } from "../../../src-main/cli/output.ts";
import type { Job } from "../../../src-preload/contract/jobs.ts";

const job: Job = {
  id: "mine",
  kind: "export",
  title: "Export 9 LoRAs",
  state: "running",
  done: 3,
  total: 9,
  unit: "files",
  step: "Ada",
  startedAt: 1,
  finishedAt: null,
  failure: null,
  result: null,
};
const Result = z.object({ files: z.array(z.string()) });

/** A studio in which one job goes through the states given; after the last it waits to be cancelled. */
function studio(states: readonly Partial<Job>[]) {
  const cancelled = Promise.withResolvers<void>();
  const asked: string[] = [];
  const client = {
    jobs: {
      async watch() {
        await Promise.resolve();
        return (async function* () {
          yield { ...job, id: "somebody else's", state: "done" as const };
          for (const state of states) yield { ...job, ...state };
          await cancelled.promise;
          yield { ...job, state: "cancelled" as const, result: { files: ["a"] } };
        })();
      },
      cancel({ id }: { id: string }) {
        asked.push(`cancel ${id}`);
        cancelled.resolve();
        return Promise.resolve(job);
      },
      dismiss({ id }: { id: string }) {
        asked.push(`dismiss ${id}`);
        return Promise.resolve({ dismissed: true });
      },
    },
  };
  return { client: client as unknown as StudioClient, asked };
}

function surroundings(interrupt = new AbortController().signal) {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 60 });
  const stdout = new PassThrough();
  const made: Surroundings = {
    env: {},
    interrupt,
    output: new Output(true, { stdout, stderr }),
    openStudio: () => Promise.reject(new Error("not here")),
  };
  return {
    made,
    shown: () => String(stderr.read() ?? ""),
    printed: () => String(stdout.read() ?? ""),
  };
}

describe("jobResult", () => {
  it("gives the result of its own job, shows progress on stderr and tidies up", async () => {
    const { client, asked } = studio([{}, { state: "done", result: { files: ["a", "b"] } }]);
    const { made, shown, printed } = surroundings();
    expect(await jobResult(client, "mine", Result, made)).toEqual({ files: ["a", "b"] });
    expect(asked).toEqual(["dismiss mine"]);
    expect(shown()).toMatch(/\rExport 9 LoRAs 33 %, 3 of 9 files: Ada *\r +\r$/);
    expect(printed()).toBe("");
  });

  it("throws the job's failure", async () => {
    const failure = { code: "disk-full", message: "Full.", path: "/x" };
    const { client } = studio([{ state: "failed", failure }]);
    await expect(jobResult(client, "mine", Result, surroundings().made)).rejects.toMatchObject({
      failure,
    });
  });

  it("cancels at Ctrl+C and tells what was done by then", async () => {
    const controller = new AbortController();
    const { client, asked } = studio([{}]);
    const waiting = jobResult(client, "mine", Result, surroundings(controller.signal).made);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({
      failure: { code: "cancelled" },
      rest: { files: ["a"] },
    });
    expect(asked).toEqual(["cancel mine"]);
  });

  it("cancels at once where Ctrl+C came before", async () => {
    const { client, asked } = studio([]);
    const waiting = jobResult(client, "mine", Result, surroundings(AbortSignal.abort()).made);
    await expect(waiting).rejects.toMatchObject({ failure: { code: "cancelled" } });
    expect(asked).toEqual(["cancel mine"]);
  });
});
