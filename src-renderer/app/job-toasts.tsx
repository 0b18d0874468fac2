/** Tells of a job's end when the tray is closed, and offers its result. */
import { type ReactNode, useEffect } from "react";
import { useLocation } from "wouter";
import { openSpace } from "../features/explore/explore-state.ts";
import { outcomeOf } from "../studio/job-outcome.ts";
import { onJobEnd } from "../studio/jobs.ts";
import { toast } from "../ui/toast.tsx";
import { openTray } from "./tray-state.ts";

export function JobToasts(): ReactNode {
  const [, navigate] = useLocation();
  useEffect(
    () =>
      onJobEnd((job) => {
        if (job.kind === "read" || job.state === "cancelled") return;
        if (job.state === "failed") {
          toast({
            tone: "danger",
            seconds: 12,
            text: (
              <>
                <strong>{job.title} failed.</strong> {job.failure?.message}
              </>
            ),
          });
          return;
        }
        const outcome = outcomeOf(job);
        if (outcome === null) return;
        const space = outcome.space;
        const action =
          outcome.problems.length > 0
            ? { label: "Show why", run: openTray }
            : space === undefined
              ? undefined
              : {
                  label: outcome.offer,
                  run() {
                    openSpace(space);
                    navigate("/explore");
                  },
                };
        toast({ text: `${job.title}: ${outcome.summary}`, action });
      }),
    [navigate],
  );
  return null;
}
