/** Files may be dropped anywhere: an overlay says beforehand what will happen to them on this page. */
import { type ReactNode, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { addToBlendOnImport } from "../features/blend/blend-drop.ts";
import { importPaths } from "../features/library/import.ts";
import { useLibrary } from "../features/library/library-state.ts";
import { useCollectionName } from "../features/library/overview.ts";
import { openAdding, addModels } from "../features/models/models-state.ts";
import { carriesFiles, takeDropped } from "../studio/files.ts";
import { shell } from "../studio/shell.ts";
import { IconFileImport } from "../ui/icons.ts";
import { toast, toastFailure } from "../ui/toast.tsx";

export function DropTarget(): ReactNode {
  const [over, setOver] = useState(false);
  const [location, navigate] = useLocation();
  const collection = useLibrary((state) => (location === "/library" ? state.collection : null));
  const name = useCollectionName(collection);
  const blending = location === "/blend";
  const modelling = location === "/models";

  useEffect(() => {
    // Enter and leave fire for every child; counting them tells when the pointer really left the window.
    let depth = 0;
    function enter(event: DragEvent): void {
      if (!carriesFiles(event)) return;
      depth++;
      setOver(true);
    }
    function hover(event: DragEvent): void {
      if (carriesFiles(event)) event.preventDefault();
    }
    function leave(event: DragEvent): void {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    }
    function drop(event: DragEvent): void {
      depth = 0;
      setOver(false);
      if (!carriesFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      if (modelling && shell === undefined) {
        toast({
          text: "A checkpoint is read where it lies, so a browser cannot hand it over. Add it by its path.",
          action: { label: "Add a checkpoint", run: openAdding },
        });
        return;
      }
      const paths = takeDropped(event.dataTransfer);
      if (modelling) {
        paths()
          .then(async (list) => {
            for (const path of list) await addModels(path);
          })
          .catch((error: unknown) => toastFailure("The dropped files were not added", error));
        return;
      }
      paths()
        .then(async (list) => {
          if (list.length === 0) {
            toast({
              text: "Nothing in what was dropped is a LoRA file (.safetensors, .pt, .bin).",
            });
            return;
          }
          const job = await importPaths(list, collection ?? undefined);
          if (blending) addToBlendOnImport(job);
          else if (location !== "/library") navigate("/library");
        })
        .catch((error: unknown) => toastFailure("The dropped files were not imported", error));
    }
    window.addEventListener("dragenter", enter);
    window.addEventListener("dragover", hover);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", enter);
      window.removeEventListener("dragover", hover);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, [location, navigate, collection, blending, modelling]);

  if (!over) return null;
  return (
    <div className="drop-overlay" data-testid="drop-overlay">
      <div>
        <IconFileImport size={32} stroke={1.4} aria-hidden="true" />
        <strong>
          {modelling
            ? "Add as models"
            : blending
              ? "Import and add to the blend"
              : name === null
                ? "Import into the library"
                : `Import into “${name}”`}
        </strong>
        <span className="muted">
          {modelling
            ? "Checkpoints and diffusers folders are read where they lie."
            : "Folders are searched for LoRA files. Your files stay as and where they are."}
        </span>
      </div>
    </div>
  );
}
