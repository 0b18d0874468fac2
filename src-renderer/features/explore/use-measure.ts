/** Keeps the readouts true while sliders move: the newest point is measured next, older ones are forgotten. */
import { useEffect, useRef } from "react";
import type { Draft, Measure } from "../../../src-preload/contract/identities.ts";
import { type Latest, latestWins } from "../../lib/latest.ts";
import { studio } from "../../studio/client.ts";

interface Report {
  busy(): void;
  result(measure: Measure): void;
  failure(error: unknown): void;
}

export function useMeasure(draft: Draft | null, report: Report): void {
  const told = useRef(report);
  told.current = report;
  const pump = useRef<Latest<Draft> | null>(null);
  pump.current ??= latestWins<Draft, Measure>((input) => studio.identities.measure(input), {
    result: (measure) => told.current.result(measure),
    failure: (error) => told.current.failure(error),
  });
  const key = JSON.stringify(draft);
  useEffect(() => {
    if (draft === null) {
      pump.current?.cancel();
      return;
    }
    told.current.busy();
    pump.current?.push(draft);
    // The draft's content is what counts, and `key` is that.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key]);
}
