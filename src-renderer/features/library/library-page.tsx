/** Library: find, look at, organise. */
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { bytes, count, plural } from "../../lib/format.ts";
import { nothing } from "../../lib/selection.ts";
import { studio } from "../../studio/client.ts";
import { type Command, useCommands } from "../../ui/commands.ts";
import { Title } from "../../ui/slots.tsx";
import { Empty } from "../../ui/states.tsx";
import { toastFailure } from "../../ui/toast.tsx";
import { Workspace } from "../../ui/workspace.tsx";
import { Button } from "@mantine/core";
import { openFit } from "../explore/fit-state.ts";
import { actionsFor, confirmEmptyTrash } from "./actions.ts";
import { CardGrid } from "./card-grid.tsx";
import { changeMany, redoEdit, removeIdentities, undoEdit, useEdits } from "./edits.ts";
import { Inspector } from "./inspector.tsx";
import { filterOf, select, setQuery, useLibrary } from "./library-state.ts";
import "./library.css";
import { LookAlikes } from "./look-alikes.tsx";
import { useOverview } from "./overview.ts";
import { Sections } from "./sections.tsx";
import { AddButton, Toolbar } from "./toolbar.tsx";

export default function LibraryPage(): ReactNode {
  const view = useLibrary((state) => state.view);
  const collection = useLibrary((state) => state.collection);
  const query = useLibrary((state) => state.query);
  const sort = useLibrary((state) => state.sort);
  const selection = useLibrary((state) => state.selection);
  const overview = useOverview();
  const [total, setTotal] = useState<number | undefined>(undefined);
  const filter = useMemo(
    () => filterOf({ view, collection, query, sort }),
    [view, collection, query, sort],
  );
  const found = overview?.collections.find((each) => each.id === collection);
  const within = useMemo(
    () => (found === undefined ? null : { id: found.id, name: found.name }),
    [found],
  );
  const ids = useMemo(() => [...selection.ids], [selection.ids]);
  const counted = useCallback((amount: number | undefined) => setTotal(amount), []);

  useLibraryCommands(ids, within, overview?.trash ?? 0);

  const about =
    overview === undefined
      ? ""
      : [
          total !== undefined &&
          (query !== "" || view !== "all" || collection !== null) &&
          view !== "alike"
            ? `${count(total)} of ${plural(overview.all, "LoRA")}`
            : plural(overview.all, "LoRA"),
          bytes(overview.bytes),
          ids.length > 1 && `${count(ids.length)} selected`,
          overview.unread > 0 && `${count(overview.unread)} still to be read`,
        ]
          .filter(Boolean)
          .join(" · ");

  return (
    <>
      <Title name={within?.name ?? names[view]} about={about} />
      <Workspace
        page="library"
        left={<Sections />}
        right={<Inspector ids={ids} collection={within} />}
        rightName="Details"
        overlays
      >
        {view !== "alike" && <Toolbar />}
        {view === "trash" && (overview?.trash ?? 0) > 0 && (
          <div className="trash-note small">
            <span className="grow muted">Nothing in the trash is erased before it is emptied.</span>
            <Button size="compact-sm" onClick={() => confirmEmptyTrash(overview?.trash ?? 0)}>
              Empty trash
            </Button>
          </div>
        )}
        {view === "alike" ? (
          <LookAlikes />
        ) : (
          <CardGrid filter={filter} collection={within} onCount={counted} empty={<Nothing />} />
        )}
      </Workspace>
    </>
  );
}

const names = {
  all: "Library",
  favourites: "Favourites",
  trouble: "Needs a look",
  trash: "Trash",
  alike: "Look alike",
};

function Nothing(): ReactNode {
  const view = useLibrary((state) => state.view);
  const query = useLibrary((state) => state.query);
  const collection = useLibrary((state) => state.collection);
  if (query !== "")
    return (
      <Empty
        title="Nothing matches"
        text={`No LoRA here matches “${query}”. The i in the search box lists what can be searched for.`}
        marks={[]}
      >
        <Button onClick={() => setQuery("")}>Clear the search</Button>
      </Empty>
    );
  if (view === "trash")
    return (
      <Empty
        title="The trash is empty"
        text="Deleted LoRAs wait here until it is emptied, and come back with Restore."
        marks={[]}
      />
    );
  if (view === "favourites")
    return (
      <Empty
        title="No favourites yet"
        text="Press F on a selected card to keep it here."
        marks={["favourite"]}
      />
    );
  if (view === "trouble")
    return (
      <Empty
        title="All is well"
        text="Files that are gone, unreadable or only partly understood show up here, each with its reason."
        marks={["well"]}
      />
    );
  if (collection !== null)
    return (
      <Empty
        title="This collection is empty"
        text="Drop cards from the library onto its name, or drop files here to import them into it."
        marks={["collection"]}
      />
    );
  return (
    <Empty
      title="Drop a folder of LoRAs here"
      text="Facet reads SDXL and SD 1.5 LoRAs in every common dialect. Your files stay as they are; 30,000 take seconds."
    >
      <AddButton />
    </Empty>
  );
}

function useLibraryCommands(
  ids: readonly string[],
  collection: { id: string; name: string } | null,
  trash: number,
): void {
  const view = useLibrary((state) => state.view);
  const done = useEdits((state) => state.done.at(-1));
  const undone = useEdits((state) => state.undone.at(-1));
  const commands = useMemo<Command[]>(() => {
    const some = ids.length > 0;
    const mine: Command[] = [
      {
        id: "undo",
        label: done === undefined ? "Undo" : `Undo: ${done.label}`,
        group: "Edit",
        hotkeys: ["mod+z"],
        disabled: done === undefined,
        run: undoEdit,
      },
      {
        id: "redo",
        label: undone === undefined ? "Redo" : `Redo: ${undone.label}`,
        group: "Edit",
        hotkeys: ["shift+mod+z", "mod+y"],
        disabled: undone === undefined,
        run: redoEdit,
      },
      {
        id: "select-all",
        label: "Select all",
        group: "Selection",
        hotkeys: ["mod+a"],
        disabled: view === "alike",
        run() {
          studio.library
            .ids(filterOf(useLibrary.getState()))
            .then((all) => select({ ...nothing, ids: new Set(all), anchor: 0 }))
            .catch((error: unknown) => toastFailure("Not selected", error));
        },
      },
      {
        id: "select-none",
        label: "Select nothing",
        group: "Selection",
        hotkeys: ["Escape"],
        disabled: !some,
        run: () => select(nothing),
      },
      {
        id: "favourite-key",
        label: "Add to favourites, or take out",
        group: "Selection",
        hotkeys: ["f"],
        hidden: true,
        disabled: !some,
        run: () =>
          actionsFor(ids, collection)
            .find((action) => action.id === "favourite")
            ?.run(),
      },
      {
        id: "rate-key",
        label: "Rate, 0 takes the stars away",
        group: "Selection",
        hotkeys: ["0", "1", "2", "3", "4", "5"],
        hidden: true,
        toldOnly: true,
        run() {},
      },
      {
        id: "delete-key",
        label: "Move to the trash",
        group: "Selection",
        hotkeys: ["Delete"],
        hidden: true,
        disabled: !some || view === "trash",
        run: () => void removeIdentities(ids),
      },
      {
        id: "fit-all",
        label: "Fit a space over the library…",
        group: "Library",
        run: () => openFit(null),
      },
      {
        id: "empty-trash",
        label: "Empty the trash…",
        group: "Library",
        disabled: trash === 0,
        run: () => confirmEmptyTrash(trash),
      },
      ...[5, 4, 3, 2, 1, 0].map((stars) => ({
        id: `rate-${stars}`,
        label: stars === 0 ? "Take the rating away" : `Rate ${"★".repeat(stars)}`,
        group: "Selection",
        disabled: !some,
        run: () => void changeMany(ids, { rating: stars }, "Rate"),
      })),
      ...actionsFor(ids, collection).map((action) => ({
        id: `selection-${action.id}`,
        label: action.label,
        group: "Selection",
        run: () => action.run(),
      })),
    ];
    return mine;
  }, [ids, collection, trash, view, done, undone]);
  useCommands("library", commands);
}
