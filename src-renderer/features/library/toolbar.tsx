/** Above the grid: search with its language, sort, add files. */
import { Button, Menu, Popover, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { Sort } from "../../../src-preload/contract/library.ts";
import { queries } from "../../studio/client.ts";
import { type Command, useCommands } from "../../ui/commands.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import {
  IconFileImport,
  IconFolderPlus,
  IconInfoCircle,
  IconPlus,
  IconSearch,
  IconX,
} from "../../ui/icons.ts";
import { AddFromHost } from "./add-from-host.tsx";
import { pickAndImport } from "./import.ts";
import { setQuery, useLibrary } from "./library-state.ts";

const sorts: { value: Sort; label: string }[] = [
  { value: "newest", label: "Newest" },
  { value: "oldest", label: "Oldest" },
  { value: "name", label: "Name" },
  { value: "rating", label: "Rating" },
  { value: "size", label: "Size" },
];

const terms: [string, string][] = [
  ["freckles", "the word anywhere: name, notes, tags, triggers"],
  ['"red hair"', "these words together"],
  ["rank>8", "also rank=16, rank<=4"],
  ["rating>=4", "rated four or five stars"],
  ["family:sdxl", "or family:sd15"],
  ["tag:woman", "has this tag"],
  ["dialect:peft", "how the file is written"],
  ["-draft", "without this word; works before every term"],
  ["is:favourite", "also is:recipe, is:file, is:trouble"],
];

/** Typing pauses this long before the search runs; main answers in milliseconds, so it is short. */
const PAUSE_MS = 90;

export function Toolbar(): ReactNode {
  const query = useLibrary((state) => state.query);
  const sort = useLibrary((state) => state.sort);
  /** What is being typed; null once the search has run. */
  const [draft, setDraft] = useState<string | null>(null);
  const text = draft ?? query;
  const search = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const commands = useMemo<Command[]>(
    () => [
      {
        id: "search",
        label: "Search the library",
        group: "Library",
        hotkeys: ["/", "mod+f"],
        run: () => search.current?.focus(),
      },
    ],
    [],
  );
  useCommands("library-search", commands);

  function type(value: string): void {
    setDraft(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => run(value), PAUSE_MS);
  }
  function run(value: string): void {
    clearTimeout(timer.current);
    setQuery(value);
    setDraft(null);
  }

  return (
    <div className="toolbar">
      <TextInput
        ref={search}
        className="grow"
        aria-label="Search the library"
        placeholder="Search: freckles rank>8"
        value={text}
        maxLength={500}
        spellCheck={false}
        leftSection={<IconSearch size={16} stroke={1.6} />}
        rightSectionWidth={64}
        rightSection={
          <span className="row toolbar-right">
            {text !== "" ? (
              <IconButton icon={IconX} label="Clear the search" size={22} onClick={() => run("")} />
            ) : (
              <span className="keys">/</span>
            )}
            <QueryHelp use={(term) => type(`${text} ${term}`.trim())} />
          </span>
        }
        onChange={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            if (text === "") event.currentTarget.blur();
            else run("");
          }
          if (event.key === "ArrowDown") document.querySelector<HTMLElement>(".grid")?.focus();
        }}
      />
      <Select
        aria-label="Sort"
        w={104}
        data={sorts}
        value={sort}
        onChange={(value) => {
          const next = Sort.safeParse(value).data;
          if (next !== undefined) useLibrary.setState({ sort: next });
        }}
      />
      <AddButton />
    </div>
  );
}

function QueryHelp({ use }: { use(term: string): void }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <Popover width={360} position="bottom-end" opened={open} onChange={setOpen}>
      <Popover.Target>
        <span>
          <IconButton
            icon={IconInfoCircle}
            label="What can be searched for"
            size={22}
            onClick={() => setOpen(!open)}
          />
        </span>
      </Popover.Target>
      <Popover.Dropdown>
        <div className="query-help">
          {terms.map(([term, about]) => (
            <button
              key={term}
              type="button"
              className="plain row"
              onClick={() => {
                use(term);
                setOpen(false);
              }}
            >
              <code>{term}</code>
              <span className="muted">{about}</span>
            </button>
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

export function AddButton({ primary = true }: { readonly primary?: boolean }): ReactNode {
  const capabilities = useQuery(queries.system.capabilities.queryOptions()).data;
  const [open, setOpen] = useState(false);
  const native = capabilities?.pickFiles === true;
  const button = (
    <Button
      variant={primary ? "filled" : "default"}
      leftSection={<IconPlus size={16} stroke={1.8} />}
      {...(native ? {} : { onClick: () => setOpen(true) })}
    >
      Add files
    </Button>
  );
  if (!native)
    return (
      <>
        {button}
        <AddFromHost opened={open} close={() => setOpen(false)} />
      </>
    );
  return (
    <Menu position="bottom-end">
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconFileImport size={16} stroke={1.6} />}
          onClick={() => void pickAndImport(false)}
        >
          Files…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconFolderPlus size={16} stroke={1.6} />}
          onClick={() => void pickAndImport(true)}
        >
          Folders…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
