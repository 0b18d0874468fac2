/** The jobs tray: what runs, how far it is, how long it takes, and what it gave. */
import { Popover, Progress, UnstyledButton } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import { useJobs, isActive } from "../studio/jobs.ts";
import { type Command, useCommands } from "../ui/commands.ts";
import { IconListDetails, IconLoader2 } from "../ui/icons.ts";
import { JobRow } from "./job-row.tsx";
import { openTray, useTray } from "./tray-state.ts";

function setOpen(open: boolean): void {
  useTray.setState({ open });
}

export function JobsTray(): ReactNode {
  const open = useTray((state) => state.open);
  const jobs = useJobs((state) => state.jobs);
  const active = jobs.filter(isActive);
  const front = active[0];
  const failed = jobs.filter((job) => job.state === "failed" || job.state === "interrupted").length;

  const commands = useMemo<Command[]>(
    () => [{ id: "jobs", label: "Show jobs", group: "View", hotkeys: ["j"], run: openTray }],
    [],
  );
  useCommands("jobs", commands);

  return (
    <Popover
      opened={open}
      onChange={setOpen}
      width={380}
      position="bottom-end"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <UnstyledButton
          className="chip"
          onClick={() => setOpen(!open)}
          aria-label={front === undefined ? "Jobs: nothing runs" : `Jobs: ${front.title}`}
          aria-expanded={open}
          data-testid="jobs-tray"
        >
          {front === undefined ? (
            <IconListDetails size={14} stroke={1.6} />
          ) : (
            <IconLoader2
              size={14}
              stroke={1.6}
              className={front.state === "running" ? "turning" : ""}
            />
          )}
          {front === undefined ? (
            <span className="topbar-wide">{failed > 0 ? `${failed} need a look` : "Jobs"}</span>
          ) : (
            <>
              <span className="topbar-wide jobs-front clip">
                {front.title}
                {active.length > 1 && ` +${active.length - 1}`}
              </span>
              <Progress
                value={front.total > 0 ? (front.done / front.total) * 100 : 0}
                size={2}
                w={44}
                aria-label={front.title}
              />
            </>
          )}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="Jobs">
        <div className="jobs-list">
          {jobs.length === 0 && (
            <p className="jobs-none muted">
              Nothing runs. Imports, fits and exports show up here with their progress.
            </p>
          )}
          {jobs.map((job) => (
            <JobRow key={job.id} job={job} close={() => setOpen(false)} />
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
