/** What the Library page shows and what is selected in it. */
import { z } from "zod";
import { create } from "zustand";
import { type Filter, Sort } from "../../../src-preload/contract/library.ts";
import { type Selection, nothing } from "../../lib/selection.ts";
import { remember } from "../../studio/remember.ts";

/** `alike` is a page of its own over library.duplicates; the others are filters. */
export const View = z.enum(["all", "favourites", "trouble", "trash", "alike"]);
export type View = z.infer<typeof View>;

interface LibraryState {
  readonly view: View;
  readonly collection: string | null;
  readonly query: string;
  readonly sort: Sort;
  readonly selection: Selection;
  /** First row on the screen, in pixels. */
  readonly scroll: number;
}

const Stored = z.object({
  view: View,
  collection: z.string().nullable(),
  query: z.string().max(500),
  sort: Sort,
  selected: z.array(z.string()),
  scroll: z.number(),
});

export const useLibrary = create<LibraryState>(() => ({
  view: "all",
  collection: null,
  query: "",
  sort: "newest",
  selection: nothing,
  scroll: 0,
}));

/** A selection of all 100,000 is not worth keeping. */
const KEPT_SELECTION = 500;

remember(
  "library",
  useLibrary,
  ({ view, collection, query, sort, selection, scroll }) => ({
    view,
    collection,
    query,
    sort,
    scroll: Math.round(scroll),
    selected: selection.ids.size > KEPT_SELECTION ? [] : [...selection.ids],
  }),
  (value) => {
    const stored = Stored.safeParse(value).data;
    if (stored === undefined) return null;
    const { selected, ...rest } = stored;
    return { ...rest, selection: { ...nothing, ids: new Set(selected) } };
  },
);

export function filterOf(
  state: Pick<LibraryState, "view" | "collection" | "query" | "sort">,
): Filter {
  return {
    query: state.query,
    view: state.view === "alike" ? "all" : state.view,
    sort: state.sort,
    ...(state.collection === null ? {} : { collection: state.collection }),
  };
}

export function showView(view: View, collection: string | null = null): void {
  useLibrary.setState({ view, collection, selection: nothing, scroll: 0 });
}

export function setQuery(query: string): void {
  useLibrary.setState({ query, scroll: 0 });
}

export function searchLibrary(query: string): void {
  useLibrary.setState({ view: "all", collection: null, query, selection: nothing, scroll: 0 });
}

export function select(selection: Selection): void {
  useLibrary.setState({ selection });
}

/** Leads to one identity wherever it is: used by toasts and other pages. */
export function revealIdentity(id: string): void {
  useLibrary.setState({
    view: "all",
    collection: null,
    query: "",
    sort: "newest",
    scroll: 0,
    selection: { ids: new Set([id]), anchor: null, active: null },
  });
}
