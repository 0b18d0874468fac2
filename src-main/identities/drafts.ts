/** Turns what the user is trying into a recipe: coordinates looked up, blends mixed, defaults filled in. */
import type { z } from "zod";
import type { Draft as DraftSchema } from "../../src-preload/contract/identities.ts";
import type { Origin, Parent, Recipe, SpaceReference } from "../../src-preload/contract/recipe.ts";
import type { Space } from "../../src-preload/contract/spaces.ts";
import { FacetError } from "../core/errors.ts";
import { mixLinear, mixSpherical } from "../core/spaces/interpolate.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Library } from "../library/library.ts";
import type { StoredSpace } from "../library/space-rows.ts";
import type { Resolver } from "./resolve.ts";

export type Draft = z.output<typeof DraftSchema>;

export interface Planned {
  readonly recipe: Recipe;
  readonly family: Space["family"];
  /** In sigma; empty where the recipe is no point of a space. */
  readonly coordinates: number[];
  /** The identity whose distance the user wants to see. */
  readonly from: string | null;
  /** Share of the starting identity that the space cannot express. */
  readonly residual: number | null;
  readonly parents: readonly string[];
}

export class Drafts {
  readonly #library: Library;
  readonly #resolver: Resolver;
  readonly #engine: EngineClient;
  readonly #located = new Map<
    string,
    Promise<{ coordinates: number[]; residual: number; member: boolean }>
  >();

  constructor(library: Library, resolver: Resolver, engine: EngineClient) {
    this.#library = library;
    this.#resolver = resolver;
    this.#engine = engine;
  }

  async plan(draft: Draft): Promise<Planned> {
    switch (draft.kind) {
      case "point": {
        const space = this.#space(draft.space);
        if (draft.coordinates.length > space.components) {
          throw new FacetError(
            "invalid-argument",
            `Space "${space.name}" has ${String(space.components)} components; ${String(draft.coordinates.length)} coordinates were given.`,
            { field: "coordinates" },
          );
        }
        const from = draft.from ?? null;
        const residual = from === null ? null : (await this.locate(space.id, from)).residual;
        const origin: Origin =
          from === null ? { kind: "move" } : { kind: "move", from: this.#parent(from) };
        return this.#point(space, draft.coordinates, origin, { from, residual });
      }
      case "sample": {
        const space = this.#space(draft.space);
        const coordinates = await this.#engine.sample({
          space: space.file,
          seed: draft.seed,
          index: draft.index,
          spread: draft.spread,
        });
        const { seed, index, spread } = draft;
        return this.#point(space, coordinates, { kind: "sample", seed, index, spread }, {});
      }
      case "project": {
        const space = this.#space(draft.space);
        const { coordinates, residual } = await this.locate(space.id, draft.id);
        const origin: Origin = { kind: "project", from: this.#parent(draft.id) };
        return this.#point(space, coordinates, origin, { from: draft.id, residual });
      }
      case "blend":
        return draft.mode === "delta"
          ? this.#deltaBlend(draft)
          : this.latentBlend(draft, draft.mode);
      case "resize":
        return {
          recipe: { kind: "resize", parent: this.#parent(draft.id), rank: draft.rank },
          family: this.#library.get(draft.id).family,
          coordinates: [],
          from: draft.id,
          residual: null,
          parents: [draft.id],
        };
    }
  }

  async latentBlend(
    draft: Extract<Draft, { kind: "blend" }>,
    mode: "latent" | "slerp",
  ): Promise<Planned> {
    const space =
      draft.space === undefined
        ? await this.#fittingSpace(draft.parents)
        : this.#space(draft.space);
    const located = await Promise.all(draft.parents.map(({ id }) => this.locate(space.id, id)));
    const points = located.map(({ coordinates }) =>
      Array.from({ length: space.components }, (_, at) => coordinates[at] ?? 0),
    );
    const weights = draft.parents.map(({ weight }) => weight);
    const coordinates =
      mode === "latent" ? mixLinear(points, weights) : mixSpherical(points, weights);
    const residual = Math.max(...located.map((entry) => entry.residual));
    const parents = draft.parents.map(({ id, weight }) => ({ parent: this.#parent(id), weight }));
    return this.#point(
      space,
      coordinates,
      { kind: "blend", mode, parents },
      {
        from: draft.parents[0]?.id ?? null,
        residual,
      },
    );
  }

  /** Where an identity lies in a space; asked once, since neither changes. */
  locate(
    space: string,
    id: string,
  ): Promise<{ coordinates: number[]; residual: number; member: boolean }> {
    const { fingerprint, file } = this.#space(space);
    const key = `${fingerprint} ${id}`;
    let known = this.#located.get(key);
    if (known === undefined) {
      known = this.#engine.locate({
        space: file,
        source: this.#resolver.resolve(id),
        id,
      });
      this.#located.set(key, known);
      known.catch(() => this.#located.delete(key));
    }
    return known;
  }

  /** The newest space that could hold a blend of these: of their family, and of models as wide as theirs. */
  async spaceFor(parents: readonly { id: string }[]): Promise<StoredSpace | null> {
    const families = new Set(parents.map(({ id }) => this.#library.get(id).family));
    const candidates = this.#library.spaces
      .list()
      .filter((space) => space.available && families.size === 1 && families.has(space.family))
      .toSorted((a, b) => b.createdAt - a.createdAt);
    for (const space of candidates) {
      try {
        await Promise.all(parents.map(({ id }) => this.locate(space.id, id)));
        return space;
      } catch (error) {
        if (!(error instanceof FacetError) || error.code !== "layout-mismatch") throw error;
      }
    }
    return null;
  }

  #deltaBlend(draft: Extract<Draft, { kind: "blend" }>): Planned {
    const cards = draft.parents.map(({ id }) => this.#library.get(id));
    const family = cards[0]?.family;
    const other = cards.find((card) => card.family !== family);
    if (family === undefined || other !== undefined) {
      throw new FacetError(
        "layout-mismatch",
        `"${other?.name ?? ""}" is for ${other?.family ?? "nothing"}, the others are for ${family ?? "nothing"}. Blend identities of one family.`,
        { field: "parents" },
      );
    }
    const parents = draft.parents.map(({ id, weight }) => ({ parent: this.#parent(id), weight }));
    const rank = draft.rank ?? Math.max(...cards.map((card) => card.rank.max));
    return {
      recipe: { kind: "delta-blend", parents, rank },
      family,
      coordinates: [],
      from: draft.parents[0]?.id ?? null,
      residual: null,
      parents: draft.parents.map(({ id }) => id),
    };
  }

  async #fittingSpace(parents: readonly { id: string }[]): Promise<StoredSpace> {
    const newest = await this.spaceFor(parents);
    if (newest === null) {
      throw new FacetError(
        "missing-space",
        "A latent blend needs a space of the parents' family and widths. Fit one in Explore, or blend in delta mode.",
        { field: "space" },
      );
    }
    return newest;
  }

  #space(id: string): StoredSpace {
    const space = this.#library.spaces.find(id);
    if (space === undefined)
      throw new FacetError("not-found", `There is no space ${id}.`, { field: "space" });
    if (!space.available) {
      throw new FacetError(
        "missing-space",
        `The file of space "${space.name}" is gone. Fit it again.`,
        {
          path: space.file,
        },
      );
    }
    return space;
  }

  #parent(id: string): Parent {
    const card = this.#library.get(id);
    const fingerprint = this.#library.fingerprintOf(id);
    return { id, name: card.name, ...(fingerprint === null ? {} : { fingerprint }) };
  }

  #point(
    space: Space,
    coordinates: readonly number[],
    origin: Origin,
    about: { from?: string | null; residual?: number | null },
  ): Planned {
    const reference: SpaceReference = {
      id: space.id,
      name: space.name,
      fingerprint: space.fingerprint,
      form: space.form,
    };
    const parents = origin.kind === "blend" ? origin.parents.map(({ parent }) => parent.id) : [];
    return {
      recipe: {
        kind: "point",
        space: reference,
        coordinates: [...coordinates],
        rank: space.rank,
        origin,
      },
      family: space.family,
      coordinates: [...coordinates],
      from: about.from ?? null,
      residual: about.residual ?? null,
      parents,
    };
  }
}
