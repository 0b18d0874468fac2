/** Explore before there are sliders: no space yet, one being fitted, one being opened. */
import { Button, Progress, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { plural } from "../../lib/format.ts";
import { isActive, useJobs } from "../../studio/jobs.ts";
import { Title } from "../../ui/slots.tsx";
import { Empty } from "../../ui/states.tsx";
import { Workspace } from "../../ui/workspace.tsx";
import { useOverview } from "../library/overview.ts";
import { AddButton } from "../library/toolbar.tsx";
import { openFit } from "./fit-state.ts";

export function NoSpace({ wanted }: { readonly wanted: string | null }): ReactNode {
  const overview = useOverview();
  const [, navigate] = useLocation();
  const fitting = useJobs((state) => state.jobs.find((job) => job.kind === "fit" && isActive(job)));
  const enough = (overview?.all ?? 0) >= 2;
  return (
    <>
      <Title name="Explore" about="no space yet" />
      <Workspace page="explore">
        {fitting === undefined ? (
          <Empty
            title={
              wanted === null ? "Fit a space to get sliders" : `${wanted} needs a space to move in`
            }
            text={
              enough
                ? `A space is learnt from LoRAs of many people: its components become sliders that move one identity towards others. Your library has ${plural(overview?.all ?? 0, "LoRA")}.`
                : "A space is learnt from LoRAs of many people. Add at least two to the library, better a few dozen."
            }
          >
            {enough ? (
              <>
                <Button variant="filled" onClick={() => openFit(null)}>
                  Fit a space
                </Button>
                <Button onClick={() => navigate("/library")}>Choose members in the Library</Button>
              </>
            ) : (
              <AddButton />
            )}
          </Empty>
        ) : (
          <Empty
            title={fitting.title}
            text={fitting.step || "The sliders appear here when it is done."}
          >
            <Progress
              w={280}
              size={3}
              value={fitting.total > 0 ? (fitting.done / fitting.total) * 100 : 0}
              aria-label={fitting.title}
            />
          </Empty>
        )}
      </Workspace>
    </>
  );
}

export function Waiting(): ReactNode {
  return (
    <>
      <Title name="Explore" />
      <Workspace
        page="explore"
        strip={<div className="strip" />}
        right={
          <div className="column sliders-waiting" aria-hidden="true">
            {Array.from({ length: 9 }, (_, i) => (
              <Skeleton key={i} height={48} />
            ))}
          </div>
        }
      >
        <div className="stage-head" />
        <div className="profile" aria-busy="true" />
      </Workspace>
    </>
  );
}
