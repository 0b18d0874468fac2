/** Latent spaces as pages and commands see them: fit, list, sliders. */
import type { z } from "zod";
import {
  type Component,
  type FitRequest,
  Space,
  type SpaceDetails,
} from "../../src-preload/contract/spaces.ts";
import { FacetError } from "../core/errors.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { newId } from "../library/ids.ts";
import type { Library } from "../library/library.ts";
import type { StoredSpace } from "../library/space-rows.ts";
import type { FitData } from "./fit-job.ts";

export class Spaces {
  readonly #library: Library;
  readonly #jobs: Jobs;
  readonly #engine: EngineClient;

  constructor(library: Library, jobs: Jobs, engine: EngineClient) {
    this.#library = library;
    this.#jobs = jobs;
    this.#engine = engine;
  }

  list(): Space[] {
    return this.#library.spaces.list().map(asSpace);
  }

  /** @returns The job that fits. */
  fit(request: z.output<typeof FitRequest>): string {
    const members = Array.isArray(request.members)
      ? request.members
      : this.#library.ids(request.members);
    if (members.length < 2) {
      throw new FacetError(
        "invalid-argument",
        `A space needs at least 2 LoRAs; ${String(members.length)} ${members.length === 1 ? "was" : "were"} chosen.`,
        { field: "members" },
      );
    }
    if (request.components !== undefined && request.components >= members.length) {
      throw new FacetError(
        "invalid-argument",
        `${String(members.length)} LoRAs span at most ${String(members.length - 1)} components; ${String(request.components)} were asked for.`,
        { field: "components" },
      );
    }
    const name = request.name ?? `Space of ${String(members.length)} LoRAs`;
    const data: FitData = {
      space: newId(),
      name,
      members,
      form: request.form,
      components: request.components,
      rank: request.rank,
      standardise: request.standardise,
      seed: request.seed,
    };
    return this.#jobs.start("fit", `Fit ${name}`, data);
  }

  async get(id: string): Promise<SpaceDetails> {
    const space = this.#library.spaces.get(id);
    const opened = await this.#engine.openSpace({ space: space.file });
    const notes = new Map(space.descriptions.map((note) => [note.index, note]));
    const memberAt = (row: number) => {
      const member = opened.members[row];
      return member !== undefined && this.#library.has(member) ? member : null;
    };
    const componentList: Component[] = opened.explained.map((explained, index) => {
      const note = notes.get(index);
      const ends = opened.ends[index];
      return {
        index,
        name: note?.name ?? "",
        starred: note?.starred ?? false,
        explained,
        histogram: opened.histograms[index] ?? [],
        low: ends === undefined ? null : memberAt(ends.low),
        high: ends === undefined ? null : memberAt(ends.high),
      };
    });
    return {
      ...asSpace(space),
      componentList,
      suitability: opened.suitability,
      standardised: opened.standardised,
    };
  }

  rename(id: string, name: string): Space {
    return asSpace(this.#library.spaces.rename(id, name));
  }

  async describeComponent(
    id: string,
    index: number,
    change: { name?: string | undefined; starred?: boolean | undefined },
  ): Promise<Component> {
    this.#library.spaces.describe(id, index, change);
    const component = (await this.get(id)).componentList[index];
    if (component === undefined) throw new Error("a described component is there");
    return component;
  }

  remove(id: string): boolean {
    return this.#library.spaces.remove(id).deletedAt !== null;
  }

  restore(id: string): Space {
    return asSpace(this.#library.spaces.restore(id));
  }
}

/** Without what only main may know. */
function asSpace(space: StoredSpace): Space {
  return Space.parse(space);
}
