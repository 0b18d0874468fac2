/** Which files may leave the window. */
import { lstatSync, realpathSync } from "node:fs";
import { sep } from "node:path";

/** Only files that Facet itself put into staging: a page names them, so it could name anything. */
export function isStaged(path: string, staging: string): boolean {
  try {
    return lstatSync(path).isFile() && realpathSync(path).startsWith(realpathSync(staging) + sep);
  } catch {
    // The file went away: there is nothing to drag.
    return false;
  }
}
