/** Latent spaces as pages and commands see them: fit, list, sliders. */
import type { z } from "zod";
import type {
  Component,
  FitRequest,
  Space,
  SpaceDetails,
} from "../../src-preload/contract/spaces.ts";
import { FacetError } from "../core/errors.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { newId } from "../library/ids.ts";
import type { Library } from "../library/library.ts";
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
    return this.#library.spaces.list();
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
    const space = this.#need(id);
    const opened = await this.#engine.openSpace({ space: this.#library.spaces.path(id) });
    const notes = this.#library.spaces.notes(id);
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
      ...space,
      componentList,
      suitability: opened.suitability,
      standardised: opened.standardised,
    };
  }

  rename(id: string, name: string): Space {
    this.#need(id);
    this.#library.spaces.rename(id, name);
    return this.#need(id);
  }

  async describeComponent(
    id: string,
    index: number,
    change: { name?: string | undefined; starred?: boolean | undefined },
  ): Promise<Component> {
    const space = this.#need(id);
    if (index >= space.components) {
      throw new FacetError(
        "invalid-argument",
        `Space "${space.name}" has components 0 to ${String(space.components - 1)}; there is no ${String(index)}.`,
        { field: "index" },
      );
    }
    this.#library.spaces.describe(id, index, change);
    const component = (await this.get(id)).componentList[index];
    if (component === undefined) throw new Error("a described component is there");
    return component;
  }

  remove(id: string): boolean {
    return this.#library.spaces.remove(id);
  }

  restore(id: string): Space {
    this.#library.spaces.restore(id);
    return this.#need(id);
  }

  #need(id: string): Space {
    const space = this.#library.spaces.find(id);
    if (space === null) throw new FacetError("not-found", `There is no space ${id}.`, { field: "id" });
    return space;
  }
}
