/** What happened, for whoever is asked to help: JSON lines in `<library>/logs`, this session's and the one before. */
import { mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { destination, pino } from "pino";

export type Log = (message: string, details?: unknown) => void;

export interface OpenedLog extends Disposable {
  readonly write: Log;
  readonly file: string;
}

/** A log this long makes room for a new one; the one before it is kept. */
const longest = 1024 * 1024;

export function openLog(library: string): OpenedLog {
  const folder = join(library, "logs");
  const file = join(folder, "facet.log");
  mkdirSync(folder, { recursive: true });
  try {
    if (statSync(file).size > longest) renameSync(file, join(folder, "facet-before.log"));
  } catch {
    // No log yet.
  }
  // Synchronous: the last lines before an end are those that matter, and they are few.
  const stream = destination({ dest: file, sync: true });
  const logger = pino({ base: { pid: process.pid } }, stream);
  return {
    file,
    write(message, details) {
      if (details === undefined) logger.info(message);
      else logger.error(details instanceof Error ? { err: details } : { details }, message);
    },
    [Symbol.dispose]() {
      stream.end();
    },
  };
}
