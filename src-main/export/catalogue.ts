/** What exporting asks of the library: facts about identities, pictures, and how to make their matrices. */
import type { Source } from "../../src-preload/contract/engine.ts";
import type { Details } from "../../src-preload/contract/library.ts";

export interface Catalogue {
  /** Throws `not-found` for an unknown id. */
  details(id: string): Details;
  /** Throws `missing-parent` or `missing-space` by name where a recipe cannot be followed. */
  resolve(id: string): Source;
  /** The preview picture's file; null where there is none. */
  preview(id: string): string | null;
}
