/** Looks through places one after the other, and no longer than a disk that does not answer deserves. */
import type { Place } from "../comfy/places.ts";
import { systemCode } from "../files/errors.ts";
import type { Disk } from "./disk.ts";
import { TookTooLong, within } from "./limit.ts";
import { type Candidate, Walk, words } from "./walk.ts";

/**
 * A question to a dead network disk holds one of Node's four threads for files until the disk comes back. This many
 * are risked; then no other place is asked, so that the rest of Facet still reads and writes.
 */
const mostStuck = 2;
/** How long a walk that was told to stop may take to do so before its disk counts as dead. */
const graceMs = 500;

export interface Walked {
  readonly candidates: readonly Candidate[];
  readonly exists: boolean;
  /** False where more may lie there than was seen. */
  readonly complete: boolean;
  readonly problems: readonly string[];
}

export class Patience {
  readonly #disk: Disk;
  /** Walks that have not ended, also those of looks that were stopped since. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Places among them with a question that got no answer in time. */
  readonly #stuck = new Set<string>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** @param folders real paths of folders that were walked in this look; added to. */
  async walk(
    place: Place,
    folders: Set<string>,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Walked> {
    signal.throwIfAborted();
    const candidates: Candidate[] = [];
    const problems: string[] = [];
    const unseen = (problem: string) => ({
      candidates,
      exists: true,
      complete: false,
      problems: [...problems, problem],
    });
    await this.#leftovers();
    signal.throwIfAborted();
    if (this.#stuck.has(place.path)) {
      return unseen(
        `"${place.path}" still does not answer; its models are shown as they were known last.`,
      );
    }
    if (this.#stuck.size >= mostStuck) {
      return unseen(
        `"${place.path}" was not looked through, because ${[...this.#stuck].join(" and ")} do not answer.`,
      );
    }
    const stop = new AbortController();
    const walk = new Walk(this.#disk, AbortSignal.any([signal, stop.signal]), folders);
    const work = (async () => {
      for await (const found of walk.place(place.path)) {
        if (found.kind === "problem") problems.push(found.words);
        else candidates.push(found);
      }
    })();
    this.#underWay.set(place.path, work);
    const free = () => {
      this.#underWay.delete(place.path);
      this.#stuck.delete(place.path);
    };
    work.then(free, free);
    try {
      await within(work, limitMs, signal);
      return { candidates, exists: true, complete: true, problems };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TookTooLong)) {
        const gone = ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
        if (!gone) problems.push(words(place.path, error));
        return { candidates, exists: !gone, complete: gone, problems };
      }
      stop.abort();
      const stopped = await within(work, graceMs).then(
        () => null,
        (late: unknown) => late,
      );
      // It came to its end after all.
      if (stopped === null) return { candidates, exists: true, complete: true, problems };
      if (stopped instanceof TookTooLong) this.#stuck.add(place.path);
      return unseen(
        `Looking through "${place.path}" took longer than ${limitMs / 1000} s and was stopped after ` +
          `${candidates.length} files. Look again when its disk answers faster, or choose a smaller folder.`,
      );
    }
  }

  /** A look that was stopped may still wait for an answer: whoever looks again must not ask the same disk twice. */
  async #leftovers(): Promise<void> {
    const unsure = () => [...this.#underWay].filter(([path]) => !this.#stuck.has(path));
    if (unsure().length === 0) return;
    const ends = unsure().map(([, work]) => work);
    await within(Promise.allSettled(ends), graceMs).catch(() => undefined);
    for (const [path] of unsure()) this.#stuck.add(path);
  }
}
