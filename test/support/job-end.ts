/** Waits for a job of a studio. */
import type { Job } from "../../src-preload/contract/jobs.ts";
import type { Studio } from "../../src-main/compose.ts";

/** The job when it has ended, however. */
export async function jobEnd(studio: Studio, id: string): Promise<Job> {
  for await (const job of await studio.client.jobs.watch()) {
    if (job.id === id && job.finishedAt !== null) return job;
  }
  throw new Error("the studio was closed");
}
