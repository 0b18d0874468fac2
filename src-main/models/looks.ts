/** Looks one after another: which of them answers while a newer one is under way, and what its rows are. */
import { isInside } from "../library/folders.ts";
import type { ModelRow } from "../library/model-rows.ts";
import { TookTooLong, within } from "./limit.ts";
import { Look, type LookParts } from "./look.ts";

/** Milliseconds. */
export interface LookTimes {
  /** A list waits this long for the look under way, then says what is known. */
  readonly list: number;
  /** One folder may take this long in a look that nobody asked for, and in one that the user did. */
  readonly folder: number;
  readonly asked: number;
  /** An answer that is older than this brings a new look. */
  readonly stale: number;
}

export class Looks {
  readonly #parts: LookParts;
  readonly #times: LookTimes;
  #ended: Look | undefined;
  #newest: Look | undefined;
  #endedAt = 0;

  constructor(parts: LookParts, times: LookTimes) {
    this.#parts = parts;
    this.#times = times;
  }

  get looking(): boolean {
    return this.#newest?.looking === true;
  }

  /** The last look that ended; the first one while it is under way. Null before any. */
  get answer(): Look | null {
    return this.#ended ?? this.#newest ?? null;
  }

  /** What is known without much waiting; too old an answer is renewed in the background. */
  async soon(): Promise<Look> {
    if (this.#ended !== undefined) {
      if (!this.looking && Date.now() - this.#endedAt > this.#times.stale) this.#begin(false);
      return this.#ended;
    }
    const first = this.#newest ?? this.#begin(false);
    try {
      await within(this.#end(first), this.#times.list);
    } catch (error) {
      if (!(error instanceof TookTooLong)) throw error;
    }
    return this.answer ?? first;
  }

  /** After a look that began now and came to its end. */
  async anew(): Promise<Look> {
    return this.#end(this.#begin(true));
  }

  /** The look that answers, once it has ended. */
  async whole(): Promise<Look> {
    return this.#ended ?? this.#end(this.#newest ?? this.#begin(false));
  }

  /** Rows to show: what was found, what is gone, and what lies where the look could not see. */
  shown(look: Look, under?: string): ModelRow[] {
    return this.#parts.rows.all().filter(({ path, file }) => {
      if (file === null || file.kind === "other") return false;
      if (under !== undefined && path !== under && !isInside(under, path)) return false;
      if (look.seen.has(path) || look.gone.has(path)) return true;
      return look.looking || look.isUnseen(path);
    });
  }

  close(): void {
    this.#newest?.stop();
  }

  #begin(asked: boolean): Look {
    this.#newest?.stop();
    const look = new Look(this.#parts, asked ? this.#times.asked : this.#times.folder);
    this.#newest = look;
    const took = () => {
      this.#ended = look;
      this.#endedAt = Date.now();
    };
    look.ended.then(took, () => undefined);
    return look;
  }

  /** The end of a look, or of the one that took its place. */
  async #end(look: Look): Promise<Look> {
    try {
      await look.ended;
      return look;
    } catch (error) {
      if (!look.stopped || this.#newest === undefined || this.#newest === look) throw error;
      return this.#end(this.#newest);
    }
  }
}
