/** The left column: views, collections (made, renamed, deleted, dropped onto), tags. */
import { TextInput } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import type { Collection } from "../../../src-preload/contract/library.ts";
import { count } from "../../lib/format.ts";
import { hasTerm, tagTerm, toggleTerm } from "../../lib/query.ts";
import { openMenu } from "../../ui/context-menu.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import {
  IconAlertTriangle,
  IconCopy,
  IconFolder,
  IconHeart,
  IconLayoutGrid,
  IconPencil,
  IconPlus,
  IconTrash,
} from "../../ui/icons.ts";
import "../../ui/tags.css";
import { carriesIdentities, takeDragged } from "./drag.ts";
import { addToCollection, createCollection, deleteCollection, renameCollection } from "./edits.ts";
import { type View, setQuery, showView, useLibrary } from "./library-state.ts";
import { useOverview } from "./overview.ts";

const views: { view: View; label: string; icon: Icon }[] = [
  { view: "all", label: "All", icon: IconLayoutGrid },
  { view: "favourites", label: "Favourites", icon: IconHeart },
  { view: "alike", label: "Look alike", icon: IconCopy },
  { view: "trouble", label: "Needs a look", icon: IconAlertTriangle },
  { view: "trash", label: "Trash", icon: IconTrash },
];

/** More tags than this fold away; the search box takes any. */
const TAGS_SHOWN = 24;

export function Sections(): ReactNode {
  const overview = useOverview();
  const view = useLibrary((state) => state.view);
  const collection = useLibrary((state) => state.collection);
  const query = useLibrary((state) => state.query);
  const [naming, setNaming] = useState<string | null>(null);
  const [renaming, setRenaming] = useState<string | null>(null);
  const [allTags, setAllTags] = useState(false);

  const counts: Partial<Record<View, number>> =
    overview === undefined
      ? {}
      : {
          all: overview.all,
          favourites: overview.favourites,
          trouble: overview.trouble,
          trash: overview.trash,
        };
  const tags = overview?.tags ?? [];

  return (
    <div className="sections">
      <ul>
        {views.map((entry) => (
          <li key={entry.view}>
            <button
              type="button"
              className="section"
              aria-current={collection === null && view === entry.view ? "true" : undefined}
              onClick={() => showView(entry.view)}
            >
              <entry.icon size={16} stroke={1.6} aria-hidden="true" />
              <span className="grow clip">{entry.label}</span>
              <span className="section-count">
                {counts[entry.view] === undefined ? "" : count(counts[entry.view] ?? 0)}
              </span>
            </button>
          </li>
        ))}
      </ul>

      <div className="sections-head">
        <h2 className="section-title">Collections</h2>
        <IconButton
          icon={IconPlus}
          label="New collection"
          size={22}
          onClick={() => setNaming("")}
        />
      </div>
      <ul>
        {naming !== null && (
          <li>
            <Naming
              value={naming}
              label="Name of the new collection"
              done={(name) => {
                setNaming(null);
                if (name !== null) void createCollection(name);
              }}
            />
          </li>
        )}
        {overview?.collections.map((entry) => (
          <li key={entry.id}>
            {renaming === entry.id ? (
              <Naming
                value={entry.name}
                label={`New name of ${entry.name}`}
                done={(name) => {
                  setRenaming(null);
                  if (name !== null && name !== entry.name)
                    renameCollection(entry.id, name, entry.name);
                }}
              />
            ) : (
              <CollectionRow
                entry={entry}
                current={collection === entry.id}
                rename={() => setRenaming(entry.id)}
              />
            )}
          </li>
        ))}
      </ul>
      {overview?.collections.length === 0 && naming === null && (
        <p className="sections-none small">Make one with +, then drop cards onto it.</p>
      )}

      {tags.length > 0 && (
        <>
          <div className="sections-head">
            <h2 className="section-title">Tags</h2>
          </div>
          <div className="tags">
            {(allTags ? tags : tags.slice(0, TAGS_SHOWN)).map(({ tag, count: amount }) => (
              <button
                key={tag}
                type="button"
                className="tag"
                aria-pressed={hasTerm(query, tagTerm(tag))}
                title={`${tag}: ${count(amount)}`}
                onClick={() => setQuery(toggleTerm(query, tagTerm(tag)))}
              >
                {tag}
              </button>
            ))}
            {tags.length > TAGS_SHOWN && (
              <button type="button" className="tag tag-more" onClick={() => setAllTags(!allTags)}>
                {allTags ? "fewer" : `${count(tags.length - TAGS_SHOWN)} more`}
              </button>
            )}
          </div>
        </>
      )}
    </div>
  );
}

function CollectionRow({
  entry,
  current,
  rename,
}: {
  readonly entry: Collection;
  readonly current: boolean;
  rename(): void;
}): ReactNode {
  const [over, setOver] = useState(false);
  function menu(at: { clientX: number; clientY: number }): void {
    openMenu(at, entry.name, [
      { id: "rename", label: "Rename", icon: IconPencil, run: rename },
      {
        id: "delete",
        label: "Delete collection",
        icon: IconTrash,
        danger: true,
        section: "delete",
        run() {
          if (current) showView("all");
          void deleteCollection(entry.id, entry.name);
        },
      },
    ]);
  }
  return (
    <button
      type="button"
      className="section"
      aria-current={current ? "true" : undefined}
      data-over={over || undefined}
      onClick={() => showView("all", entry.id)}
      onDoubleClick={rename}
      onKeyDown={(event) => {
        if (event.key === "F2") rename();
        if (event.key === "Delete") void deleteCollection(entry.id, entry.name);
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        menu(event);
      }}
      onDragOver={(event: DragEvent) => {
        if (!carriesIdentities(event.dataTransfer)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const ids = takeDragged(event.dataTransfer);
        if (ids.length > 0) void addToCollection(entry.id, entry.name, ids);
      }}
    >
      <IconFolder size={16} stroke={1.6} aria-hidden="true" />
      <span className="grow clip">{entry.name}</span>
      <span className="section-count">{count(entry.count)}</span>
    </button>
  );
}

function Naming({
  value,
  label,
  done,
}: {
  readonly value: string;
  readonly label: string;
  done(name: string | null): void;
}): ReactNode {
  const [text, setText] = useState(value);
  // Escape takes the field away, and taking it away blurs it, which must not keep the text after all.
  const finished = useRef(false);
  function finish(name: string | null): void {
    if (finished.current) return;
    finished.current = true;
    done(name);
  }
  return (
    <TextInput
      className="sections-naming"
      aria-label={label}
      placeholder="Name"
      autoFocus
      value={text}
      maxLength={200}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={() => finish(text.trim() === "" ? null : text.trim())}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") finish(null);
      }}
    />
  );
}
