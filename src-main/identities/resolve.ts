/** From an id or a recipe to what the engine can make: parents and spaces are found by id, else by content. */
import type { Source } from "../../src-preload/contract/engine.ts";
import type { Parent, Recipe, SpaceReference } from "../../src-preload/contract/recipe.ts";
import { FacetError } from "../core/errors.ts";
import type { Library } from "../library/library.ts";

/** More steps back than anybody makes by hand: the chain is a loop. */
const depthLimit = 32;

export class Resolver {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  /** @throws FacetError `not-found`, `missing-parent`, `missing-space`. */
  resolve(id: string, depth = 0): Source {
    const own = this.#library.sourceOf(id);
    return own.kind === "file" ? own : this.recipe(own.record.recipe, depth + 1);
  }

  recipe(recipe: Recipe, depth = 0): Source {
    if (depth > depthLimit) {
      throw new FacetError(
        "invalid-argument",
        `This identity goes back more than ${String(depthLimit)} recipes. Export it and import the file to start afresh.`,
      );
    }
    switch (recipe.kind) {
      case "point":
        return {
          kind: "point",
          space: this.spacePath(recipe.space),
          coordinates: recipe.coordinates,
          rank: recipe.rank,
        };
      case "delta-blend":
        return {
          kind: "delta-blend",
          parents: recipe.parents.map(({ parent, weight }) => ({
            source: this.#parent(parent, depth),
            weight,
          })),
          rank: recipe.rank,
        };
      case "resize":
        return { kind: "resize", parent: this.#parent(recipe.parent, depth), rank: recipe.rank };
    }
  }

  /** The file of a space. */
  spacePath(reference: SpaceReference): string {
    const space =
      this.#library.spaces.byFingerprint(reference.fingerprint) ??
      this.#library.spaces.find(reference.id);
    if (space === undefined || !space.available) {
      throw new FacetError(
        "missing-space",
        `The space "${reference.name}" (${reference.form} form, fingerprint ${reference.fingerprint.slice(0, 12)}) is not in this library. Restore it, or copy its file into the spaces folder of this library and rebuild.`,
        { field: reference.id },
      );
    }
    if (space.fingerprint !== reference.fingerprint) {
      throw new FacetError(
        "fingerprint-mismatch",
        `The space "${reference.name}" was fitted again since this recipe was made (fingerprint ${space.fingerprint.slice(0, 12)}, the recipe needs ${reference.fingerprint.slice(0, 12)}).`,
        { field: reference.id },
      );
    }
    return space.file;
  }

  #parent(parent: Parent, depth: number): Source {
    const id = this.#library.has(parent.id)
      ? parent.id
      : parent.fingerprint === undefined
        ? null
        : this.#library.byFingerprint(parent.fingerprint);
    if (id === null) {
      throw new FacetError(
        "missing-parent",
        `"${parent.name}" (${parent.id}${parent.fingerprint === undefined ? "" : `, fingerprint ${parent.fingerprint.slice(0, 12)}`}), which this identity was made from, is not in this library. Import it again.`,
        { field: parent.id },
      );
    }
    return this.resolve(id, depth + 1);
  }
}
