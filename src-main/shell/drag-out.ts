/** Drags staged files out of the window, into a folder or another program. */
import { join } from "node:path";
import { nativeImage, type NativeImage } from "electron";
import { z } from "zod";
import { packageRoot } from "../package-root.ts";
import { listenToPage } from "./doors.ts";
import { isStaged } from "./staged.ts";

/** A thumbnail drawn by the page; anything larger is no icon. */
const Icon = z.union([z.literal(""), z.string().max(400_000).startsWith("data:image/png;base64,")]);
const Drag = z.object({ paths: z.array(z.string().min(1)).min(1).max(200), icon: Icon });

/** Side of the picture under the pointer, in points. */
const ICON_EDGE = 64;

export function allowDragOut(staging: string): void {
  const usual = nativeImage.createFromPath(join(packageRoot, "resources", "icons", "drag.png"));

  listenToPage("studio:start-drag", Drag, ({ paths, icon }, event) => {
    const [first] = paths;
    if (first === undefined || !paths.every((path) => isStaged(path, staging))) return;
    // Nothing follows this call: on Windows and Linux it returns when the drag ends, on macOS at once.
    event.sender.startDrag({ file: first, files: paths, icon: iconFrom(icon, usual) });
  });
}

/** An empty image makes Electron throw or do nothing, so there is always a drawn one. */
function iconFrom(icon: string, usual: NativeImage): NativeImage {
  const drawn = icon === "" ? usual : nativeImage.createFromDataURL(icon);
  const chosen = drawn.isEmpty() ? usual : drawn;
  const { width, height } = chosen.getSize();
  return Math.max(width, height) <= ICON_EDGE
    ? chosen
    : chosen.resize(width >= height ? { width: ICON_EDGE } : { height: ICON_EDGE });
}
