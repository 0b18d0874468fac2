/** How much of all running work is done, as Electron's taskbar wants it. */
import type { Job } from "../../src-preload/contract/jobs.ts";

/** Electron's words for no bar at all, and for one whose end is unknown. */
const NO_BAR = -1;
const UNKNOWN = 2;

/** The share of all running work that is done: 0..1, or Electron's two words above. */
export function taskbarValue(jobs: Iterable<Pick<Job, "state" | "done" | "total">>): number {
  let sum = 0;
  let count = 0;
  for (const { state, done, total } of jobs) {
    if (state !== "running" && state !== "paused") continue;
    if (total === 0) return UNKNOWN;
    sum += Math.min(1, done / total);
    count += 1;
  }
  return count === 0 ? NO_BAR : sum / count;
}
