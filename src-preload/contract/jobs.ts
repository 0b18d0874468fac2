/** Long work: progress, cancel, pause, results. */
import { eventIterator, oc } from "@orpc/contract";
import { z } from "zod";
import { Failure, JobId } from "./common.ts";

export const JobKind = z.enum([
  "import",
  "read",
  "fit",
  "export",
  "rebuild",
  "train",
  "hash-model",
]);
export const JobState = z.enum([
  "queued",
  "running",
  "paused",
  "done",
  "failed",
  "cancelled",
  "interrupted",
]);

export const Job = z.object({
  id: JobId,
  kind: JobKind,
  title: z.string(),
  state: JobState,
  done: z.number(),
  /** 0 while unknown. */
  total: z.number(),
  /** What is counted: `files`, `members`, … */
  unit: z.string(),
  /** What is happening now, in words. */
  step: z.string(),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
  failure: Failure.nullable(),
  /** Parsed by the result schema of the kind (ImportResult, FitResult, ExportResult, ModelHash). */
  result: z.unknown(),
});
export type Job = z.infer<typeof Job>;

const ById = z.object({ id: JobId });

export const jobs = {
  list: oc.output(z.array(Job)),
  get: oc.input(ById).output(Job),
  cancel: oc.input(ById).output(Job),
  pause: oc.input(ById).output(Job),
  resume: oc.input(ById).output(Job),
  dismiss: oc.input(ById).output(z.object({ dismissed: z.boolean() })),
  /** Every change of every job, at most ten a second for each. Starts with all jobs that are not dismissed. */
  watch: oc.output(eventIterator(Job)),
};
