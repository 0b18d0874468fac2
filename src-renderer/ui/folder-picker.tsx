/** The host's own folder picker: walks folders of the machine that runs Facet. */
import { Button, Skeleton, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { plural } from "../lib/format.ts";
import { queries } from "../studio/client.ts";
import { failureOf } from "../studio/failure.ts";
import "./folder-picker.css";
import { IconChevronUp, IconFolder } from "./icons.ts";

interface FolderPickerProps {
  /** Words of the button. */
  readonly verb: string;
  /** Whether a folder with nothing in it may be taken. */
  readonly mayBeEmpty?: boolean;
  /** Whether it says how many LoRAs lie in a folder. */
  readonly counts?: boolean;
  onPick(path: string): void;
}

export function FolderPicker({
  verb,
  mayBeEmpty = false,
  counts = true,
  onPick,
}: FolderPickerProps): ReactNode {
  const [path, setShownPath] = useState<string | null>(null);
  /** What is being typed; null while the field shows the open folder. */
  const [draft, setDraft] = useState<string | null>(null);
  const { data, error, isFetching } = useQuery(
    queries.system.listFolder.queryOptions({
      input: { path },
      staleTime: 0,
      retry: false,
      placeholderData: keepPreviousData,
    }),
  );
  const [active, setActive] = useState("");
  const typed = draft ?? data?.path ?? "";

  function setPath(next: string | null): void {
    setDraft(null);
    setShownPath(next);
  }

  return (
    <div className="folders">
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          setPath(typed.trim() === "" ? null : typed.trim());
        }}
      >
        <Button
          aria-label="One folder up"
          disabled={data === undefined || data.parent === null}
          onClick={() => setPath(data?.parent ?? null)}
        >
          <IconChevronUp size={16} />
        </Button>
        <TextInput
          className="grow"
          aria-label="Path of the folder"
          value={typed}
          spellCheck={false}
          onChange={(event) => setDraft(event.currentTarget.value)}
          error={error === null ? undefined : failureOf(error).message}
        />
      </form>
      <div
        className="folders-list"
        role="listbox"
        aria-label="Folders"
        aria-busy={isFetching}
        tabIndex={0}
        onKeyDown={(event) => {
          const list = data?.folders ?? [];
          const at = list.findIndex((folder) => folder.path === active);
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setActive(
              list[
                Math.min(list.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))
              ]?.path ?? "",
            );
          } else if (event.key === "Enter" && at >= 0) setPath(active);
          else if (event.key === "Backspace") setPath(data?.parent ?? null);
          else if (event.key.length === 1) {
            const found = list.find((folder) =>
              folder.name.toLowerCase().startsWith(event.key.toLowerCase()),
            );
            if (found !== undefined) setActive(found.path);
          }
        }}
      >
        {data === undefined &&
          error === null &&
          [0, 1, 2, 3].map((i) => <Skeleton key={i} height={28} my={2} />)}
        {data?.folders.map((folder) => (
          <div
            key={folder.path}
            role="option"
            aria-selected={folder.path === active}
            className="folders-one"
            onClick={() => setPath(folder.path)}
          >
            <IconFolder size={16} stroke={1.6} aria-hidden="true" />
            <span className="grow clip">{folder.name}</span>
          </div>
        ))}
        {data?.folders.length === 0 && (
          <p className="muted small folders-none">No folders inside.</p>
        )}
      </div>
      <div className="row">
        <span className="grow muted small clip">
          {counts &&
            data !== undefined &&
            `${plural(data.loras, "LoRA file")} here${data.folders.length === 0 ? "" : ", besides those in the folders inside"}`}
        </span>
        <Button
          variant="filled"
          disabled={
            data === undefined || (!mayBeEmpty && data.loras === 0 && data.folders.length === 0)
          }
          onClick={() => data !== undefined && onPick(data.path)}
        >
          {verb}
        </Button>
      </div>
    </div>
  );
}
