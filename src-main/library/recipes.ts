/** Identities made here: a recipe becomes a row, with what its parents pass on. */
import type { Recipe, RecipeRecord } from "../../src-preload/contract/recipe.ts";
import type { Database } from "./database.ts";
import { FreeNames } from "./names.ts";
import type { Records } from "./records.ts";

/** What was made by a recipe, as the engine describes it. */
export interface Made {
  readonly sketch: string;
  readonly norm: number;
  readonly rank: { readonly min: number; readonly max: number };
  readonly modules: number;
  readonly parameters: number;
  readonly tags?: readonly string[];
  /** Content hash of a picture in the previews folder. */
  readonly preview?: string | null;
}

/** Returns the new identity's id. */
export function keepRecipe(
  database: Database,
  records: Records,
  record: RecipeRecord,
  made: Made,
): string {
  const name = new FreeNames(database).take(record.name);
  const parents = parentsOf(record.recipe).filter((id) => records.find(id) !== undefined);
  const triggerWords = new Set(parents.flatMap((id) => records.details(id).triggerWords));
  const { id } = database.transaction(() =>
    records.insertRecipe({
      record,
      name,
      rank: made.rank,
      modules: made.modules,
      parameters: made.parameters,
      sketch: made.sketch,
      norm: made.norm,
      tags: made.tags ?? [],
      triggerWords: [...triggerWords],
      preview: made.preview ?? null,
    }),
  );
  return id;
}

function parentsOf(recipe: Recipe): string[] {
  switch (recipe.kind) {
    case "delta-blend":
      return recipe.parents.map(({ parent }) => parent.id);
    case "resize":
      return [recipe.parent.id];
    case "point": {
      const { origin } = recipe;
      if (origin.kind === "blend") return origin.parents.map(({ parent }) => parent.id);
      if (origin.kind === "project") return [origin.from.id];
      return origin.kind === "move" && origin.from !== undefined ? [origin.from.id] : [];
    }
  }
}
