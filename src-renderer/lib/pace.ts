/** Speed and time left of a job, from the progress of the last seconds rather than since its start. */

export interface Sample {
  readonly at: number;
  readonly done: number;
}

const WINDOW_MS = 8000;

export function addSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const last = samples.at(-1);
  // A resumed or retried job counts from anew.
  if (last !== undefined && sample.done < last.done) return [sample];
  return [...samples.filter((each) => sample.at - each.at <= WINDOW_MS), sample];
}

/** Per second; null while there is too little to tell. */
export function speed(samples: readonly Sample[]): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < 800) return null;
  const rate = ((last.done - first.done) * 1000) / (last.at - first.at);
  return rate > 0 ? rate : null;
}

export function secondsLeft(samples: readonly Sample[], total: number): number | null {
  const rate = speed(samples);
  const done = samples.at(-1)?.done ?? 0;
  return rate === null || total <= 0 ? null : Math.max(0, total - done) / rate;
}
