/** One Facet per user: a second start brings the first one's window forward. */
import { app } from "electron";
import { studioWindow } from "./windows.ts";

/** False where another one runs; this one must quit at once. */
export function isOnlyInstance(): boolean {
  if (!app.requestSingleInstanceLock()) return false;
  app.on("second-instance", () => {
    const window = studioWindow();
    if (window?.isMinimized() === true) window.restore();
    window?.focus();
  });
  return true;
}
