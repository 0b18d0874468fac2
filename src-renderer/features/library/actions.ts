/** What can be done with a selection: the context menu, the inspector and the palette all show this list. */
import { copyText } from "../../ui/copy.ts";
import { modals } from "@mantine/modals";
import { navigate } from "wouter/use-hash-location";
import { count, plural } from "../../lib/format.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import type { Action } from "../../ui/context-menu.tsx";
import {
  IconAdjustmentsHorizontal,
  IconCopy,
  IconCube,
  IconHeart,
  IconHeartFilled,
  IconPackageExport,
  IconRestore,
  IconTrash,
  IconTriangle,
  IconX,
} from "../../ui/icons.ts";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { blendThese } from "../blend/blend-state.ts";
import { exploreFrom } from "../explore/explore-state.ts";
import { openFit } from "../explore/fit-state.ts";
import { queueForExport } from "../export/export-state.ts";
import { knownCard } from "./cards.ts";
import { changeMany, removeIdentities, restoreIdentities, takeFromCollection } from "./edits.ts";
import { useLibrary } from "./library-state.ts";

/** The contract's limit of parents in a blend. */
const BLEND_LIMIT = 64;

export function actionsFor(
  ids: readonly string[],
  collection: { id: string; name: string } | null,
): Action[] {
  const [first] = ids;
  if (first === undefined) return [];
  const many = ids.length > 1;
  if (useLibrary.getState().view === "trash")
    return [
      {
        id: "restore",
        label: many ? `Restore ${count(ids.length)}` : "Restore",
        icon: IconRestore,
        run: () => void restoreIdentities(ids),
      },
    ];
  const favourite = ids.every((id) => knownCard(id)?.favourite === true);
  const list: Action[] = [];
  if (!many)
    list.push({
      id: "explore",
      label: "Explore from here",
      icon: IconAdjustmentsHorizontal,
      hotkey: "Enter",
      run() {
        void exploreFrom(first);
        navigate("/explore");
      },
    });
  if (many && ids.length <= BLEND_LIMIT)
    list.push({
      id: "blend",
      label: `Blend ${count(ids.length)}`,
      icon: IconTriangle,
      run() {
        void blendThese(ids);
        navigate("/blend");
      },
    });
  if (many)
    list.push({
      id: "fit",
      label: `Fit a space over ${count(ids.length)}`,
      icon: IconCube,
      run: () => openFit([...ids]),
    });
  list.push({
    id: "export",
    label: many ? `Export ${count(ids.length)}` : "Export",
    icon: IconPackageExport,
    run() {
      queueForExport(ids);
      navigate("/export");
    },
  });
  list.push({
    id: "favourite",
    label: favourite ? "Take out of favourites" : "Add to favourites",
    icon: favourite ? IconHeartFilled : IconHeart,
    hotkey: "F",
    section: "organise",
    run: () =>
      void changeMany(
        ids,
        { favourite: !favourite },
        favourite ? "Take out of favourites" : "Add to favourites",
      ),
  });
  if (collection !== null)
    list.push({
      id: "take-out",
      label: `Take out of “${collection.name}”`,
      icon: IconX,
      section: "organise",
      run: () => void takeFromCollection(collection.id, collection.name, ids),
    });
  list.push({
    id: "copy-names",
    label: many ? "Copy names" : "Copy name",
    icon: IconCopy,
    section: "organise",
    run: () => copyText(ids.map((id) => knownCard(id)?.name ?? id).join("\n")),
  });
  list.push({
    id: "remove",
    label: many ? `Delete ${count(ids.length)}` : "Delete",
    icon: IconTrash,
    hotkey: "Del",
    danger: true,
    section: "delete",
    run: () => void removeIdentities(ids),
  });
  return list;
}

/** The one thing here that cannot be undone, so it asks. */
export function confirmEmptyTrash(amount: number): void {
  modals.openConfirmModal({
    title: `Erase ${plural(amount, "LoRA")} for good`,
    children:
      "Copies inside the library are erased from disk. Files that Facet only refers to stay where they are. This cannot be undone.",
    labels: { confirm: `Erase ${count(amount)}`, cancel: "Keep them" },
    confirmProps: { color: "red", variant: "filled" },
    onConfirm() {
      studio.library
        .emptyTrash()
        .then(({ erased }) => toast({ text: `${plural(erased, "LoRA")} erased` }))
        .catch((error: unknown) => toastFailure("The trash was not emptied", error))
        .finally(() => void queryClient.invalidateQueries({ queryKey: queries.library.key() }));
    },
  });
}
