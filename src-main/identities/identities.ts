/** Makes identities: measures drafts while they are edited, keeps them as recipes, makes them again. */
import type { Source } from "../../src-preload/contract/engine.ts";
import type { Kept, Measure } from "../../src-preload/contract/identities.ts";
import type { Details } from "../../src-preload/contract/library.ts";
import { type Recipe, RecipeRecord } from "../../src-preload/contract/recipe.ts";
import { FacetError } from "../core/errors.ts";
import { recipeKey } from "../core/lora/metadata.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Library } from "../library/library.ts";
import { version } from "../package-root.ts";
import { type Draft, Drafts, type Planned } from "./drafts.ts";
import { embeddingsSentence } from "./embeddings.ts";
import { Resolver } from "./resolve.ts";

export class Identities {
  readonly resolver: Resolver;
  readonly #library: Library;
  readonly #engine: EngineClient;
  readonly #drafts: Drafts;

  constructor(library: Library, engine: EngineClient) {
    this.#library = library;
    this.#engine = engine;
    this.resolver = new Resolver(library);
    this.#drafts = new Drafts(library, this.resolver, engine);
  }

  locate(
    space: string,
    id: string,
  ): Promise<{ coordinates: number[]; residual: number; member: boolean }> {
    return this.#drafts.locate(space, id);
  }

  /** What a draft is made from, without measuring it. */
  async sourceOfDraft(draft: Draft): Promise<{ recipe: Recipe; source: Source }> {
    const { recipe } = await this.#drafts.plan(draft);
    return { recipe, source: this.resolver.recipe(recipe) };
  }

  async measure(draft: Draft): Promise<Measure> {
    return this.#measure(draft, await this.#drafts.plan(draft));
  }

  async keep(draft: Draft, name: string, tags: readonly string[]): Promise<Kept> {
    const planned = await this.#drafts.plan(draft);
    const measure = await this.#measure(draft, planned);
    const described = await this.#engine.describe({ source: this.resolver.recipe(planned.recipe) });
    const record: RecipeRecord = {
      version: 1,
      facet: version,
      name,
      family: planned.family,
      recipe: planned.recipe,
      fingerprint: described.fingerprint,
    };
    const id = this.#library.addRecipe(record, { ...described, tags });
    return { id, name: this.#library.get(id).name, measure };
  }

  async #measure(draft: Draft, planned: Planned): Promise<Measure> {
    const started = performance.now();
    const { recipe } = planned;
    const source = this.resolver.recipe(recipe);
    const from = planned.from === null ? null : this.resolver.resolve(planned.from);
    const outline =
      source.kind === "point"
        ? await this.#engine.extremity({ space: source.space, coordinates: source.coordinates })
        : { extremity: null, beyond: null };
    if (source.kind === "point") {
      await this.#engine.live({ space: source.space, coordinates: source.coordinates });
    }
    const compared =
      from === null ? null : await this.#engine.compare({ left: source, right: from });
    const distance =
      compared === null ? null : compared.right === 0 ? 0 : compared.difference / compared.right;
    const { kept } = await this.#engine.kept({ source });
    return {
      coordinates: planned.coordinates,
      residual: planned.residual,
      difference: draft.kind === "blend" ? await this.#difference(draft, planned) : null,
      distance,
      kept,
      ...outline,
      rank: recipe.rank,
      modules: this.#modules(planned),
      embeddings: embeddingsSentence(
        planned.parents.map((id) => this.#library.get(id)),
        recipe.kind,
      ),
      milliseconds: performance.now() - started,
    };
  }

  /** Norm of the difference to the other way of blending, relative to the blend's own; null where there is none. */
  async #difference(
    draft: Extract<Draft, { kind: "blend" }>,
    planned: Planned,
  ): Promise<number | null> {
    const latent = draft.mode !== "delta";
    if (!latent && (await this.#drafts.spaceFor(draft.parents)) === null) return null;
    const other = latent
      ? await this.#drafts.plan({ ...draft, mode: "delta" })
      : await this.#drafts.latentBlend(draft, "latent");
    const { left, difference } = await this.#engine.compare({
      left: this.resolver.recipe(planned.recipe),
      right: this.resolver.recipe(other.recipe),
    });
    return left === 0 ? 0 : difference / left;
  }

  #modules(planned: Planned): number {
    if (planned.recipe.kind === "point") {
      return this.#library.spaces.find(planned.recipe.space.id)?.modules ?? 0;
    }
    return Math.max(0, ...planned.parents.map((id) => this.#library.get(id).modules));
  }

  /** Opens the recipe inside an exported file as an editable identity; one that is there already is shown instead. */
  async reopen(path: string): Promise<Details> {
    const [scanned] = await this.#engine.scan({ paths: [path] });
    if (scanned === undefined || "failure" in scanned) {
      throw new FacetError("not-a-lora", scanned?.failure.message ?? `${path} cannot be read.`, {
        path,
      });
    }
    const text = scanned.inspection.metadata[recipeKey];
    const record = text === undefined ? null : parseRecord(text);
    if (record === null) {
      throw new FacetError(
        "unsupported",
        `${path} carries no recipe of Facet's (${recipeKey}). Import it as a file and project it into a space instead.`,
        { path, field: recipeKey },
      );
    }
    const known = this.#library.byFingerprint(record.fingerprint);
    if (known !== null && this.#library.get(known).recipe !== null) return this.#library.get(known);
    const described = await this.#engine.describe({ source: this.resolver.recipe(record.recipe) });
    return this.#library.get(this.#library.addRecipe(record, { ...described, tags: [] }));
  }

  /** Makes the matrices again and compares their hash with the recipe's. */
  async verify(id: string): Promise<{ same: boolean; expected: string; made: string }> {
    const own = this.#library.sourceOf(id);
    const { fingerprint: made } = await this.#engine.describe({
      source: this.resolver.resolve(id),
    });
    const expected =
      own.kind === "recipe" ? own.record.fingerprint : (this.#library.fingerprintOf(id) ?? made);
    return { same: made === expected, expected, made };
  }
}

function parseRecord(text: string): RecipeRecord | null {
  try {
    return RecipeRecord.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
