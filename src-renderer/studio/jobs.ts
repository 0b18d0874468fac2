/** All jobs as main reports them, with the samples from which speed and time left are told. */
import { create } from "zustand";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { type Sample, addSample } from "../lib/pace.ts";
import { studio } from "./client.ts";
import { useConnection } from "./connection.ts";

interface JobsState {
  readonly jobs: readonly Job[];
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

export const useJobs = create<JobsState>(() => ({ jobs: [], samples: {} }));

type Listener = (job: Job) => void;
const listeners = new Set<Listener>();

/** Called once for each job that ends while the page is open. */
export function onJobEnd(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function isActive(job: Job): boolean {
  return job.state === "queued" || job.state === "running" || job.state === "paused";
}

function receive(job: Job): void {
  const state = useJobs.getState();
  const before = state.jobs.find((each) => each.id === job.id);
  const jobs =
    before === undefined
      ? [job, ...state.jobs]
      : state.jobs.map((each) => (each.id === job.id ? job : each));
  const samples = {
    ...state.samples,
    [job.id]: addSample(state.samples[job.id] ?? [], { at: Date.now(), done: job.done }),
  };
  useJobs.setState({ jobs: [...jobs].sort(newestFirst), samples });
  if (!isActive(job) && job.state !== "interrupted" && before !== undefined && isActive(before))
    for (const listener of listeners) listener(job);
}

/** Jobs that wait stand after those that run; ended ones follow by their end. */
function newestFirst(a: Job, b: Job): number {
  return (
    Number(isActive(b)) - Number(isActive(a)) ||
    (b.startedAt ?? Infinity) - (a.startedAt ?? Infinity)
  );
}

export async function dismissJob(id: string): Promise<void> {
  await studio.jobs.dismiss({ id });
  useJobs.setState((state) => ({ jobs: state.jobs.filter((job) => job.id !== id) }));
}

/** Follows main for as long as the page lives, through every reconnection. */
export function followJobs(): void {
  follow(async () => {
    const events = await studio.jobs.watch();
    // A job that ended while the connection was away is simply not in the list any more, or comes again as ended.
    for await (const job of events) receive(job);
  });
}

export function follow(run: () => Promise<void>): void {
  let generation = 0;
  async function again(): Promise<void> {
    generation = useConnection.getState().generation;
    const mine = generation;
    try {
      await run();
    } catch {
      // The connection went away, or main gave the stream up; either way there is a next time.
    }
    if (mine === useConnection.getState().generation && useConnection.getState().state === "open")
      setTimeout(() => {
        if (mine === generation) void again();
      }, 1000);
  }
  void again();
  useConnection.subscribe((state) => {
    if (state.state === "open" && state.generation !== generation) void again();
  });
}
