/** Long writes in short transactions, so that main's event loop answers between them. */
import { setImmediate } from "node:timers/promises";
import type { Database } from "./database.ts";

/** A transaction takes no new item after this long. */
const sliceMs = 4;

/**
 * Does `work` for every item, some milliseconds of them per transaction. Stopped by the signal, it keeps what
 * is done. Returns how many calls said true.
 */
export async function inSlices<T>(
  database: Database,
  items: Iterable<T>,
  work: (item: T) => boolean | void,
  signal?: AbortSignal,
): Promise<number> {
  const iterator = items[Symbol.iterator]();
  let count = 0;
  let next = iterator.next();
  while (next.done !== true) {
    signal?.throwIfAborted();
    database.transaction(() => {
      const begun = performance.now();
      do {
        if (work(next.value as T) === true) count += 1;
        next = iterator.next();
      } while (next.done !== true && performance.now() - begun < sliceMs);
    });
    await setImmediate();
  }
  return count;
}
