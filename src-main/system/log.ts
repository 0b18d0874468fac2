/** What happened, for whoever is asked to help: JSON lines in `<library>/logs`, this session's and the one before. */
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { destination, pino } from "pino";

type SonicBoom = ReturnType<typeof destination>;

export type Log = (message: string, details?: unknown) => void;

export interface OpenedLog extends Disposable {
  readonly write: Log;
}

/** A log this long makes room for a new one; the one before it is kept. */
const longest = 1024 * 1024;

/** A library that cannot be written says so itself when it is opened; its log then goes to standard error. */
export function openLog(library: string): OpenedLog {
  const stream = openStream(join(library, "logs"));
  const logger = pino({ base: { pid: process.pid } }, stream);
  return {
    write(message, details) {
      if (details === undefined) logger.info(message);
      else logger.error(details instanceof Error ? { err: details } : { details }, message);
    },
    [Symbol.dispose]() {
      stream.flushSync();
    },
  };
}

function openStream(folder: string): SonicBoom {
  const file = join(folder, "facet.log");
  // Synchronous: the last lines before an end are those that matter, and they are few.
  const sync = true;
  try {
    mkdirSync(folder, { recursive: true });
    const length = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (length > longest) renameSync(file, join(folder, "facet-before.log"));
    closeSync(openSync(file, "a"));
    return destination({ dest: file, sync });
  } catch {
    return destination({ dest: 2, sync });
  }
}
