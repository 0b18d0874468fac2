/** One job in the tray. An ended one offers its result; a failed one says why. */
import { Button, Collapse, Progress } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { openSpace } from "../features/explore/explore-state.ts";
import { count, duration } from "../lib/format.ts";
import { secondsLeft, speed } from "../lib/pace.ts";
import { studio } from "../studio/client.ts";
import { dismissJob, isActive, useJobs } from "../studio/jobs.ts";
import { type JobOutcome, outcomeOf } from "../studio/job-outcome.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { IconPlayerPause, IconPlayerPlay, IconX } from "../ui/icons.ts";
import { toastFailure } from "../ui/toast.tsx";

const ended: Partial<Record<Job["state"], string>> = {
  queued: "Waiting",
  paused: "Paused",
  cancelled: "Cancelled",
  failed: "Failed",
  interrupted: "Interrupted when Facet closed",
};

export function JobRow({ job, close }: { readonly job: Job; close(): void }): ReactNode {
  const samples = useJobs((state) => state.samples[job.id]) ?? [];
  const [open, setOpen] = useState(false);
  const [, navigate] = useLocation();
  const active = isActive(job);
  const outcome = outcomeOf(job);
  const left = job.state === "running" ? secondsLeft(samples, job.total) : null;
  const rate = job.state === "running" ? speed(samples) : null;

  function act(doing: string, call: Promise<unknown>): void {
    call.catch((error: unknown) => toastFailure(doing, error));
  }
  function show(result: JobOutcome): void {
    close();
    if (result.space !== undefined) {
      openSpace(result.space);
      navigate("/explore");
    } else navigate(job.kind === "export" ? "/export" : "/library");
  }

  const progress =
    job.total > 0
      ? `${count(job.done)} of ${count(job.total)} ${job.unit}`
      : job.done > 0
        ? `${count(job.done)} ${job.unit}`
        : "";
  return (
    <div className="job" data-state={job.state} data-testid={`job-${job.kind}`}>
      <div className="row">
        <strong className="grow clip" title={job.title}>
          {job.title}
        </strong>
        {job.state === "running" && (
          <IconButton
            icon={IconPlayerPause}
            label="Pause"
            size={22}
            onClick={() => act("Not paused", studio.jobs.pause({ id: job.id }))}
          />
        )}
        {(job.state === "paused" || job.state === "interrupted") && (
          <IconButton
            icon={IconPlayerPlay}
            label="Resume"
            size={22}
            onClick={() => act("Not resumed", studio.jobs.resume({ id: job.id }))}
          />
        )}
        {active ? (
          <IconButton
            icon={IconX}
            label="Cancel"
            size={22}
            onClick={() => act("Not cancelled", studio.jobs.cancel({ id: job.id }))}
          />
        ) : (
          <IconButton
            icon={IconX}
            label="Dismiss"
            size={22}
            onClick={() => act("Not dismissed", dismissJob(job.id))}
          />
        )}
      </div>
      {active && (
        <Progress
          value={job.total > 0 ? (job.done / job.total) * 100 : 0}
          size={3}
          aria-label={`Progress of ${job.title}`}
        />
      )}
      <div className="row small muted">
        <span className="grow clip">
          {ended[job.state] ?? (job.state === "done" ? (outcome?.summary ?? "Done") : job.step)}
        </span>
        {active && <span>{progress}</span>}
      </div>
      {((rate !== null && rate >= 0.1) || left !== null) && (
        <div className="row small faint">
          <span className="grow">
            {rate !== null &&
              rate >= 0.1 &&
              `${rate >= 10 ? count(rate) : rate.toFixed(1)} ${job.unit}/s`}
          </span>
          <span>{left !== null && `${duration(left)} left`}</span>
        </div>
      )}
      {job.failure !== null && (
        <p className="job-failure small" data-selectable>
          {job.failure.message}
        </p>
      )}
      {outcome !== null && job.state === "done" && (
        <div className="row">
          <Button size="compact-sm" onClick={() => show(outcome)}>
            {outcome.offer}
          </Button>
          {outcome.problems.length > 0 && (
            <Button size="compact-sm" onClick={() => setOpen(!open)} aria-expanded={open}>
              {open ? "Hide reasons" : "Show reasons"}
            </Button>
          )}
        </div>
      )}
      {outcome !== null && (
        <Collapse expanded={open}>
          <ul className="job-problems small" data-selectable>
            {outcome.problems.map((problem, i) => (
              <li key={i}>
                <strong>{problem.name}</strong> {problem.reason}
              </li>
            ))}
          </ul>
        </Collapse>
      )}
    </div>
  );
}
