/** Models: the checkpoints that were found, what each of them is, and what it still needs. */
import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import type { Model, Mounted } from "../../../src-preload/contract/models.ts";
import { plural } from "../../lib/format.ts";
import { queries } from "../../studio/client.ts";
import { onJobEnd } from "../../studio/jobs.ts";
import { type Command, useCommands } from "../../ui/commands.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconPlus, IconRefresh } from "../../ui/icons.ts";
import { Title } from "../../ui/slots.tsx";
import { Empty, Failed } from "../../ui/states.tsx";
import { Workspace } from "../../ui/workspace.tsx";
import { AddModels } from "./add-models.tsx";
import { Folders } from "./model-folders.tsx";
import { ModelDetails } from "./model-details.tsx";
import { ModelRows } from "./model-rows.tsx";
import { groupOf, lookAgain, openAdding, refreshModels, useModels } from "./models-state.ts";
import "./models.css";

/** While folders are looked through, what was found until then is shown. */
const LOOKING_MS = 700;

export default function ModelsPage(): ReactNode {
  const list = useQuery(
    queries.models.list.queryOptions({
      staleTime: 5_000,
      refetchInterval: (query) => (query.state.data?.looking === true ? LOOKING_MS : false),
    }),
  );
  const mounted = useQuery(queries.models.mounted.queryOptions({ staleTime: 0 })).data ?? [];
  const selected = useModels((state) => state.selected);
  useModelsCommands();
  useEffect(
    () => onJobEnd((job) => void (job.kind === "hash-model" ? refreshModels() : undefined)),
    [],
  );

  const models = list.data?.models ?? [];
  const usable = models.filter((model) => groupOf(model) === "usable");
  const shown = models.find((model) => model.id === selected) ?? usable[0] ?? models[0];
  return (
    <>
      <Title
        name="Models"
        about={
          list.data === undefined
            ? ""
            : usable.length === 0
              ? "none to make pictures with yet"
              : plural(usable.length, "usable checkpoint")
        }
      />
      <Workspace
        page="models"
        rightName="Model"
        {...(shown === undefined || list.data === undefined
          ? {}
          : {
              right: (
                <ModelDetails
                  key={shown.id}
                  model={shown}
                  all={models}
                  vaes={list.data.vaes}
                  folders={list.data.folders}
                  mounted={mounted.find((each) => each.model === shown.id) ?? null}
                />
              ),
            })}
      >
        <div className="models">
          <div className="models-page">
            {list.error !== null && (
              <Failed
                doing="The models could not be listed"
                error={list.error}
                retry={() => void list.refetch()}
              />
            )}
            {list.isPending && <Waiting />}
            {list.data !== undefined && (
              <>
                {models.length === 0 && !list.data.looking ? (
                  <NoModels />
                ) : (
                  <Found
                    models={models}
                    mounted={mounted}
                    shown={shown?.id}
                    looking={list.data.looking}
                  />
                )}
                <Folders folders={list.data.folders} problems={list.data.problems} />
              </>
            )}
          </div>
        </div>
      </Workspace>
      <AddModels />
    </>
  );
}

function Found({
  models,
  mounted,
  shown,
  looking,
}: {
  readonly models: readonly Model[];
  readonly mounted: readonly Mounted[];
  readonly shown: string | undefined;
  readonly looking: boolean;
}): ReactNode {
  const [busy, setBusy] = useState(false);
  return (
    <>
      <div className="row models-head">
        <span className="grow muted small" role="status">
          {looking || busy ? "Looking through the folders" : plural(models.length, "file")}
        </span>
        <IconButton
          icon={IconRefresh}
          label="Search the folders again"
          disabled={busy}
          onClick={() => {
            setBusy(true);
            void lookAgain().finally(() => setBusy(false));
          }}
        />
        <Button
          variant="filled"
          leftSection={<IconPlus size={16} stroke={1.8} />}
          onClick={openAdding}
        >
          Add a checkpoint
        </Button>
      </div>
      <ModelRows models={models} mounted={mounted} shown={shown} />
    </>
  );
}

function NoModels(): ReactNode {
  return (
    <Empty
      title="Add a checkpoint to see pictures"
      text={
        <>
          Facet makes pictures with the SDXL and SD 1.5 checkpoints that ComfyUI uses. Put a
          .safetensors file into <span className="strong">ComfyUI/models/checkpoints</span>, or name
          one wherever it lies. It is read in place; nothing is converted or copied.
        </>
      }
    >
      <Button variant="filled" onClick={openAdding}>
        Add a checkpoint
      </Button>
      <Button onClick={() => void lookAgain()}>Search again</Button>
    </Empty>
  );
}

function Waiting(): ReactNode {
  return (
    <div className="column" aria-hidden="true">
      {[0, 1, 2, 3].map((i) => (
        <Skeleton key={i} height={56} />
      ))}
    </div>
  );
}

function useModelsCommands(): void {
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "add-model",
        label: "Add a checkpoint…",
        group: "Models",
        hotkeys: ["a"],
        run: openAdding,
      },
      {
        id: "refresh-models",
        label: "Search the folders again",
        group: "Models",
        hotkeys: ["r"],
        run: () => void lookAgain(),
      },
    ],
    [],
  );
  useCommands("models", commands);
}
