/** Reads headers, many files a call: one bad file is one failure in the list. */
import { statSync } from "node:fs";
import type { Scanned } from "../../../src-preload/contract/engine.ts";
import { asFailure } from "../failures.ts";
import { inspectFile } from "../../files/lora-file.ts";

export function scanFile(path: string): Scanned {
  try {
    return { path, inspection: inspectFile(path), modifiedAt: statSync(path).mtimeMs };
  } catch (error) {
    return { path, failure: asFailure(error, path) };
  }
}
