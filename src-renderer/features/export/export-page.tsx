/** Export: a queue of identities, a folder, and how they are written. */
import { copyText } from "../../ui/copy.ts";
import { Button, Progress, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import {
  ExportDialect,
  ExportDtype,
  ExportOptions,
  ExportResult,
} from "../../../src-preload/contract/exports.ts";
import { count, duration, plural } from "../../lib/format.ts";
import { secondsLeft } from "../../lib/pace.ts";
import { queries, studio } from "../../studio/client.ts";
import { failureOf } from "../../studio/failure.ts";
import { isActive, useJobs } from "../../studio/jobs.ts";
import { type Command, useCommands } from "../../ui/commands.ts";
import { IconPackageExport, IconPlus } from "../../ui/icons.ts";
import { Title } from "../../ui/slots.tsx";
import { Empty } from "../../ui/states.tsx";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { Workspace } from "../../ui/workspace.tsx";
import "../../ui/tags.css";
import { carriesIdentities, takeDragged } from "../library/drag.ts";
import { IdentityPicker } from "../library/identity-picker.tsx";
import { addToQueue, queueForExport, useExport } from "./export-state.ts";
import "./export.css";
import { Folders } from "./folders.tsx";
import { Queue } from "./queue.tsx";

const dialects: { value: ExportDialect; label: string }[] = [
  { value: "kohya", label: "kohya" },
  { value: "kohya-diffusers", label: "kohya, diffusers paths" },
  { value: "peft", label: "PEFT" },
];
const readBy: Record<ExportDialect, string> = {
  kohya: "Read by ComfyUI, A1111, Forge, InvokeAI and diffusers.",
  "kohya-diffusers": "Read by ComfyUI, A1111, Forge, InvokeAI and diffusers.",
  peft: "For diffusers alone: ComfyUI and Forge miss its attention, A1111 and InvokeAI refuse it.",
};
const policies = [
  { value: "number", label: "Add a number" },
  { value: "refuse", label: "Leave it, and say so" },
  { value: "overwrite", label: "Overwrite it" },
];
const fields = [
  "{name}",
  "{id}",
  "{rank}",
  "{family}",
  "{date}",
  "{index}",
  "{dialect}",
  "{dtype}",
];
const defaults = ExportOptions.parse({});

export default function ExportPage(): ReactNode {
  const { ids, options: chosen, folder, job: jobId } = useExport();
  const settings = useQuery(queries.system.settings.queryOptions()).data;
  const folders = useQuery(queries.exports.folders.queryOptions({ staleTime: 10_000 })).data;
  const options = chosen ?? settings?.export ?? defaults;
  const job = useJobs((state) => state.jobs.find((each) => each.id === jobId));
  const samples = useJobs((state) => (jobId === null ? undefined : state.samples[jobId])) ?? [];
  const [starting, setStarting] = useState(false);
  const [, navigate] = useLocation();

  // The last folder, or the first that can be written.
  useEffect(() => {
    if (folder !== null || settings === undefined || folders === undefined) return;
    useExport.setState({
      folder: settings.lastExportFolder ?? folders.find((each) => each.writable)?.path ?? null,
    });
  }, [folder, settings, folders]);

  const result =
    job === undefined || isActive(job) ? null : (ExportResult.safeParse(job.result).data ?? null);
  const preview = useMemo(
    () => ({ template: options.template, dialect: options.dialect, dtype: options.dtype }),
    [options.template, options.dialect, options.dtype],
  );
  const names = useQuery(
    queries.exports.preview.queryOptions({
      input: { ids: ids.slice(0, 1), ...preview },
      enabled: ids.length > 0 && options.template.trim() !== "",
      retry: false,
      placeholderData: (old) => old,
    }),
  );
  const running = job !== undefined && isActive(job);
  const ready =
    ids.length > 0 &&
    folder !== null &&
    options.template.trim() !== "" &&
    names.error === null &&
    !running;

  function set(change: Partial<typeof options>): void {
    useExport.setState({ options: { ...options, ...change } });
  }

  async function start(): Promise<void> {
    if (folder === null) return;
    setStarting(true);
    try {
      const started = await studio.exports.start({ ids: [...ids], to: folder, options });
      useExport.setState({ job: started.job });
      await studio.system.changeSettings({ export: options, lastExportFolder: folder });
    } catch (error) {
      toastFailure("The export did not start", error);
    } finally {
      setStarting(false);
    }
  }

  const commands = useMemo<Command[]>(
    () => [
      {
        id: "clear-queue",
        label: "Clear the queue",
        group: "Export",
        disabled: ids.length === 0,
        run: () => queueForExport([]),
      },
      {
        id: "choose-in-library",
        label: "Choose identities in the Library",
        group: "Export",
        run: () => navigate("/library"),
      },
    ],
    [ids.length, navigate],
  );
  useCommands("export", commands);

  const left = running ? secondsLeft(samples, job.total) : null;
  return (
    <>
      <Title
        name="Export"
        about={
          ids.length === 0
            ? "nothing queued"
            : `${plural(ids.length, "identity", "identities")} queued`
        }
      />
      <Workspace
        page="export"
        rightName="How to write"
        right={
          <>
            <div className="workspace-scroll export-panel">
              <h2 className="section-title">Folder</h2>
              <Folders />
              <h2 className="section-title">Files</h2>
              <Select
                label="Written as"
                data={dialects}
                value={options.dialect}
                description={readBy[options.dialect ?? "kohya"]}
                inputWrapperOrder={["label", "input", "description", "error"]}
                onChange={(value) => set({ dialect: ExportDialect.parse(value) })}
              />
              <div>
                <div className="mantine-InputWrapper-label">Numbers</div>
                <SegmentedControl
                  fullWidth
                  aria-label="Numbers"
                  data={ExportDtype.options}
                  value={options.dtype}
                  onChange={(value) => set({ dtype: ExportDtype.parse(value) })}
                />
              </div>
              <TextInput
                label="Name"
                value={options.template}
                maxLength={200}
                spellCheck={false}
                error={
                  options.template.trim() === ""
                    ? "A name is needed"
                    : names.error === null
                      ? undefined
                      : failureOf(names.error).message
                }
                description={names.data?.[0] === undefined ? " " : `First file: ${names.data[0]}`}
                inputWrapperOrder={["label", "input", "description", "error"]}
                onChange={(event) => set({ template: event.currentTarget.value })}
              />
              <div className="tags">
                {fields.map((field) => (
                  <button
                    key={field}
                    type="button"
                    className="tag"
                    aria-label={`Add ${field} to the name`}
                    onClick={() =>
                      set({
                        template:
                          `${options.template}${options.template === "" ? "" : "-"}${field}`.slice(
                            0,
                            200,
                          ),
                      })
                    }
                  >
                    {field}
                  </button>
                ))}
              </div>
              <Select
                label="When a file of that name is there"
                data={policies}
                value={options.existing}
                onChange={(value) =>
                  set({ existing: value === "refuse" || value === "overwrite" ? value : "number" })
                }
              />
              <Switch
                label="Sidecars"
                description="A picture and a JSON beside each file, for A1111 and ComfyUI's LoRA managers."
                checked={options.sidecars}
                onChange={(event) => set({ sidecars: event.currentTarget.checked })}
              />
            </div>
            <div className="workspace-foot">
              <Button
                fullWidth
                variant="filled"
                leftSection={<IconPackageExport size={16} stroke={1.6} />}
                disabled={!ready}
                loading={starting}
                onClick={() => void start()}
              >
                {ids.length === 0 ? "Export" : `Export ${plural(ids.length, "LoRA")}`}
              </Button>
            </div>
          </>
        }
      >
        <div
          className="export-stage"
          onDragOver={(event) => carriesIdentities(event.dataTransfer) && event.preventDefault()}
          onDrop={(event) => addToQueue(takeDragged(event.dataTransfer))}
        >
          <div className="export-head">
            <IdentityPicker
              label="Add an identity to the queue"
              several
              without={new Set(ids)}
              onPick={(card) => addToQueue([card.id])}
            >
              {(open) => (
                <Button leftSection={<IconPlus size={16} stroke={1.8} />} onClick={open}>
                  Add
                </Button>
              )}
            </IdentityPicker>
            <span className="grow" />
            {ids.length > 0 && <Button onClick={() => clear(ids)}>Clear the queue</Button>}
          </div>
          {running && (
            <div className="export-job" role="status">
              <div className="row">
                <strong className="grow">{job.step === "" ? job.title : job.step}</strong>
                <span className="muted">
                  {count(job.done)} of {count(job.total)}
                  {left !== null && ` · ${duration(left)} left`}
                </span>
                <Button
                  size="compact-sm"
                  onClick={() =>
                    void studio.jobs
                      .cancel({ id: job.id })
                      .catch((error: unknown) => toastFailure("Not cancelled", error))
                  }
                >
                  Cancel
                </Button>
              </div>
              <Progress
                size={3}
                value={job.total > 0 ? (job.done / job.total) * 100 : 0}
                aria-label="Progress of the export"
              />
            </div>
          )}
          {result !== null && <Outcome result={result} folder={folder} />}
          {job?.state === "failed" && (
            <div className="export-job" role="alert">
              <strong className="danger">The export failed.</strong>{" "}
              <span data-selectable>{job.failure?.message}</span>
            </div>
          )}
          {ids.length === 0 ? (
            <Empty
              title="Nothing to export yet"
              text="Select identities in the Library and choose Export, or keep a point of Explore or Blend and export that."
              marks={["file", "folder"]}
            >
              <Button variant="filled" onClick={() => navigate("/library")}>
                Choose in the Library
              </Button>
            </Empty>
          ) : (
            <Queue ids={ids} preview={preview} result={result} />
          )}
        </div>
      </Workspace>
    </>
  );
}

function clear(ids: readonly string[]): void {
  queueForExport([]);
  toast({ text: "Queue cleared", action: { label: "Undo", run: () => queueForExport(ids) } });
}

function Outcome({
  result,
  folder,
}: {
  readonly result: ExportResult;
  readonly folder: string | null;
}): ReactNode {
  const capabilities = useQuery(queries.system.capabilities.queryOptions()).data;
  const first = result.files[0]?.path;
  return (
    <div className="export-job" role="status">
      <div className="row">
        <span className="grow">
          <strong>{plural(result.files.length, "file")} written</strong>
          {result.failed.length > 0 && (
            <span className="danger">
              , {count(result.failed.length)} failed; the reason stands at each
            </span>
          )}
        </span>
        {capabilities?.shell === "electron" && first !== undefined && (
          <Button
            size="compact-sm"
            onClick={() =>
              void studio.system
                .showInFolder({ path: first })
                .catch((error: unknown) => toastFailure("The folder could not be shown", error))
            }
          >
            Show in folder
          </Button>
        )}
        <Button
          size="compact-sm"
          onClick={() =>
            copyText(
              result.files.length === 1 && first !== undefined ? first : (folder ?? first ?? ""),
            )
          }
        >
          Copy path
        </Button>
        {result.failed.length > 0 && (
          <Button
            size="compact-sm"
            onClick={() => queueForExport(result.failed.map((each) => each.id))}
          >
            Keep only the failed
          </Button>
        )}
      </div>
    </div>
  );
}
