/** What becomes of a draft: kept as an identity, exported, dragged into another program or downloaded. */
import { Button, Popover, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import type { Draft } from "../../../src-preload/contract/identities.ts";
import { queries, studio } from "../../studio/client.ts";
import { download, dragOut } from "../../studio/files.ts";
import { IconDownload, IconGripVertical, IconPackageExport } from "../../ui/icons.ts";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { queueForExport } from "../export/export-state.ts";
import { revealIdentity } from "../library/library-state.ts";
import "./keep-bar.css";

interface KeepBarProps {
  readonly draft: Draft | null;
  readonly suggestion: string;
  /** The library identity that the draft still equals; nothing needs to be kept to write it. */
  readonly source: string | null;
}

/** What happens once it is kept. */
type Then = "keep" | "export" | "file";

const verbs: Record<Then, string> = {
  keep: "Keep",
  export: "Keep and export",
  file: "Keep and write the file",
};

interface Staged {
  readonly key: string;
  readonly path: string;
  readonly name: string;
}

export function KeepBar({ draft, suggestion, source }: KeepBarProps): ReactNode {
  const [asking, setAsking] = useState<Then | null>(null);
  const [busy, setBusy] = useState<Then | null>(null);
  const [kept, setKept] = useState<{ key: string; id: string } | null>(null);
  const [staged, setStaged] = useState<Staged | null>(null);
  const capabilities = useQuery(queries.system.capabilities.queryOptions()).data;
  const settings = useQuery(queries.system.settings.queryOptions()).data;
  const [, navigate] = useLocation();
  const key = JSON.stringify(draft);
  const ready = draft !== null;
  const dragging = capabilities?.dragOut === true;

  /** The identity to write: the untouched start, or what this very draft was kept as. */
  const present = source ?? (kept?.key === key ? kept.id : null);

  async function finish(id: string, then: Then): Promise<void> {
    if (then === "export") {
      queueForExport([id]);
      navigate("/export");
    } else if (then === "file") {
      const file = await studio.exports.stage({ id, options: settings?.export ?? {} });
      if (dragging) setStaged({ key, path: file.path, name: file.name });
      else download(file.download, file.name);
    }
  }

  async function keep(name: string, then: Then): Promise<void> {
    if (draft === null) return;
    setBusy(then);
    setAsking(null);
    try {
      const made = await studio.identities.keep({ draft, name });
      setKept({ key, id: made.id });
      toast({
        text: `Kept as ${made.name}`,
        action: {
          label: "Show in Library",
          run() {
            revealIdentity(made.id);
            navigate("/library");
          },
        },
      });
      await finish(made.id, then);
    } catch (error) {
      toastFailure("It was not kept", error);
    } finally {
      setBusy(null);
    }
  }

  function start(then: Then): void {
    if (present === null || then === "keep") {
      setAsking(then);
      return;
    }
    setBusy(then);
    finish(present, then)
      .catch((error: unknown) => toastFailure("The file was not written", error))
      .finally(() => setBusy(null));
  }

  const file = staged?.key === key ? staged : null;
  return (
    <Popover
      opened={asking !== null}
      onChange={(open) => !open && setAsking(null)}
      position="top-start"
      width="target"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <div className="keep-bar">
          <Button
            variant="filled"
            className="keep-primary"
            disabled={!ready}
            loading={busy === "keep"}
            onClick={() => start("keep")}
          >
            Keep as identity
          </Button>
          <Button
            disabled={!ready}
            loading={busy === "export"}
            leftSection={<IconPackageExport size={16} stroke={1.6} />}
            onClick={() => start("export")}
          >
            Export…
          </Button>
          {dragging && file !== null ? (
            <span
              className="keep-file"
              draggable
              role="button"
              tabIndex={0}
              aria-label={`Drag ${file.name} into another program`}
              onDragStart={(event) => {
                event.preventDefault();
                dragOut([file.path]);
              }}
            >
              <IconGripVertical size={16} stroke={1.6} aria-hidden="true" />
              <span className="clip">{file.name}</span>
            </span>
          ) : (
            <Button
              disabled={!ready}
              loading={busy === "file"}
              leftSection={
                dragging ? (
                  <IconGripVertical size={16} stroke={1.6} />
                ) : (
                  <IconDownload size={16} stroke={1.6} />
                )
              }
              onClick={() => start("file")}
            >
              {dragging ? "Drag to ComfyUI" : "Download"}
            </Button>
          )}
        </div>
      </Popover.Target>
      <Popover.Dropdown aria-label="Name of the new identity">
        {asking !== null && (
          <NamePrompt
            key={asking}
            suggestion={suggestion}
            verb={verbs[asking]}
            done={(name) => void keep(name, asking)}
          />
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function NamePrompt({
  suggestion,
  verb,
  done,
}: {
  readonly suggestion: string;
  readonly verb: string;
  done(name: string): void;
}): ReactNode {
  const [name, setName] = useState(suggestion);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <form
      className="keep-prompt"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "") done(name.trim());
      }}
    >
      <TextInput
        ref={field}
        label="Name"
        data-autofocus
        value={name}
        maxLength={200}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button type="submit" variant="filled" disabled={name.trim() === ""}>
        {verb}
      </Button>
    </form>
  );
}
