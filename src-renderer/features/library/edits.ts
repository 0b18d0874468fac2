/** Changes to library rows, each with the way back. */
import { create } from "zustand";
import type { Changes } from "../../../src-preload/contract/library.ts";
import { plural } from "../../lib/format.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { knownCard } from "./cards.ts";
import { select, useLibrary } from "./library-state.ts";
import { nothing } from "../../lib/selection.ts";

interface Edit {
  readonly label: string;
  undo(): Promise<unknown>;
  redo(): Promise<unknown>;
}

export const useEdits = create<{ done: readonly Edit[]; undone: readonly Edit[] }>(() => ({
  done: [],
  undone: [],
}));

/** Beyond this many unknown rows the old values are not fetched one by one, and the edit offers no way back. */
const FETCHED = 300;

async function run(edit: Edit): Promise<boolean> {
  try {
    await edit.redo();
    useEdits.setState((state) => ({ done: [...state.done.slice(-99), edit], undone: [] }));
    return true;
  } catch (error) {
    toastFailure(`${edit.label}: not done`, error);
    return false;
  } finally {
    void queryClient.invalidateQueries({ queryKey: queries.library.key() });
  }
}

async function step(from: "done" | "undone"): Promise<void> {
  const state = useEdits.getState();
  const edit = state[from].at(-1);
  if (edit === undefined) return;
  const to = from === "done" ? "undone" : "done";
  useEdits.setState({ [from]: state[from].slice(0, -1), [to]: [...state[to], edit] });
  try {
    await (from === "done" ? edit.undo() : edit.redo());
  } catch (error) {
    toastFailure(`${edit.label}: could not be ${from === "done" ? "undone" : "done again"}`, error);
  }
  void queryClient.invalidateQueries({ queryKey: queries.library.key() });
}

export function undoEdit(): void {
  void step("done");
}
export function redoEdit(): void {
  void step("undone");
}

type Old = Required<Pick<Changes, "favourite" | "rating">> & { readonly tags: readonly string[] };

async function oldValues(ids: readonly string[]): Promise<Map<string, Old> | null> {
  const known = new Map<string, Old>();
  const unknown: string[] = [];
  for (const id of ids) {
    const card = knownCard(id);
    if (card === undefined) unknown.push(id);
    else known.set(id, card);
  }
  if (unknown.length > FETCHED) return null;
  for (const card of await Promise.all(unknown.map((id) => studio.library.get({ id }))))
    known.set(card.id, card);
  return known;
}

/** The calls that bring old values back, as few as possible: ids with the same old value go together. */
function wayBack(
  changes: Changes,
  old: ReadonlyMap<string, Old>,
): { ids: string[]; changes: Changes }[] {
  const groups = new Map<string, { ids: string[]; changes: Changes }>();
  for (const [id, value] of old) {
    const back: Changes = {
      ...(changes.favourite === undefined ? {} : { favourite: value.favourite }),
      ...(changes.rating === undefined ? {} : { rating: value.rating }),
      ...(changes.addTags === undefined
        ? {}
        : { removeTags: changes.addTags.filter((tag) => !value.tags.includes(tag)) }),
      ...(changes.removeTags === undefined
        ? {}
        : { addTags: changes.removeTags.filter((tag) => value.tags.includes(tag)) }),
    };
    const key = JSON.stringify(back);
    const group = groups.get(key) ?? { ids: [], changes: back };
    group.ids.push(id);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Favourite, rating and tags of any number of identities. */
export async function changeMany(
  ids: readonly string[],
  changes: Changes,
  label: string,
): Promise<void> {
  const all = [...ids];
  const old = await oldValues(all).catch(() => null);
  await run({
    label,
    redo: () => studio.library.update({ ids: all, changes }),
    undo: async () => {
      if (old === null)
        throw new Error(
          `The old values of ${plural(all.length, "identity", "identities")} were not kept.`,
        );
      for (const back of wayBack(changes, old)) await studio.library.update(back);
    },
  });
}

/** One identity's own fields, with what they were. */
export function changeOne(id: string, changes: Changes, old: Changes, label: string): void {
  void run({
    label,
    redo: () => studio.library.update({ ids: [id], changes }),
    undo: () => studio.library.update({ ids: [id], changes: old }),
  });
}

export async function removeIdentities(ids: readonly string[]): Promise<void> {
  const all = [...ids];
  const done = await run({
    label: `Move ${plural(all.length, "LoRA")} to the trash`,
    redo: () => studio.library.remove({ ids: all }),
    undo: () => studio.library.restore({ ids: all }),
  });
  if (!done) return;
  select({ ...nothing, active: useLibrary.getState().selection.active });
  toast({
    text: `${plural(all.length, "LoRA")} moved to the trash`,
    seconds: 20,
    action: { label: "Undo", run: undoEdit },
  });
}

export async function restoreIdentities(ids: readonly string[]): Promise<void> {
  const all = [...ids];
  const done = await run({
    label: `Restore ${plural(all.length, "LoRA")}`,
    redo: () => studio.library.restore({ ids: all }),
    undo: () => studio.library.remove({ ids: all }),
  });
  if (!done) return;
  select(nothing);
  toast({
    text: `${plural(all.length, "LoRA")} restored`,
    action: { label: "Undo", run: undoEdit },
  });
}

export async function addToCollection(
  id: string,
  name: string,
  ids: readonly string[],
): Promise<void> {
  const all = [...ids];
  const done = await run({
    label: `Add ${plural(all.length, "LoRA")} to ${name}`,
    redo: () => studio.library.addToCollection({ id, ids: all }),
    undo: () => studio.library.removeFromCollection({ id, ids: all }),
  });
  if (done)
    toast({
      text: `${plural(all.length, "LoRA")} added to “${name}”`,
      action: { label: "Undo", run: undoEdit },
    });
}

export async function takeFromCollection(
  id: string,
  name: string,
  ids: readonly string[],
): Promise<void> {
  const all = [...ids];
  const done = await run({
    label: `Take ${plural(all.length, "LoRA")} out of ${name}`,
    redo: () => studio.library.removeFromCollection({ id, ids: all }),
    undo: () => studio.library.addToCollection({ id, ids: all }),
  });
  if (done)
    toast({
      text: `${plural(all.length, "LoRA")} taken out of “${name}”`,
      action: { label: "Undo", run: undoEdit },
    });
}

export async function createCollection(name: string): Promise<string | null> {
  try {
    const made = await studio.library.createCollection({ name });
    void queryClient.invalidateQueries({ queryKey: queries.library.overview.key() });
    return made.id;
  } catch (error) {
    toastFailure("The collection was not made", error);
    return null;
  }
}

export function renameCollection(id: string, name: string, old: string): void {
  void run({
    label: `Rename ${old}`,
    redo: () => studio.library.renameCollection({ id, name }),
    undo: () => studio.library.renameCollection({ id, name: old }),
  });
}

/** Deleting a collection deletes no LoRA; undo makes it again with the same members. */
export async function deleteCollection(id: string, name: string): Promise<void> {
  let present = id;
  let members: string[] = [];
  const done = await run({
    label: `Delete collection ${name}`,
    async redo() {
      members = await studio.library.ids({ collection: present });
      await studio.library.removeCollection({ id: present });
    },
    async undo() {
      const made = await studio.library.createCollection({ name });
      present = made.id;
      if (members.length > 0) await studio.library.addToCollection({ id: present, ids: members });
    },
  });
  if (done)
    toast({
      text: `Collection “${name}” deleted; its LoRAs stay in the library`,
      action: { label: "Undo", run: undoEdit },
    });
}
