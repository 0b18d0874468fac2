/** Base models as the studio offers them: found, described, given what they lack, hashed. Nothing on disk is touched. */
import { resolve } from "node:path";
import type { ModelPlace } from "../../src-preload/contract/engine.ts";
import type { Model, Vae } from "../../src-preload/contract/models.ts";
import type { Machine } from "../comfy/places.ts";
import { FacetError } from "../core/errors.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { isInside } from "../library/folders.ts";
import type { ModelChoices, ModelRow, ModelRows } from "../library/model-rows.ts";
import { sortName } from "../library/names.ts";
import { checkTextFrom, checkVae } from "./choices.ts";
import { type Disk, thisDisk } from "./disk.ts";
import { Hashes } from "./hashes.ts";
import type { Look, ModelEngine } from "./look.ts";
import { Looks, type LookTimes } from "./looks.ts";
import { Patience } from "./patience.ts";
import { Reach, unusable } from "./reach.ts";
import { descriptionOf, modelView, needsOf, vaeView } from "./view.ts";

export interface ModelsParts {
  readonly rows: ModelRows;
  readonly jobs: Jobs;
  /** The background engine. */
  readonly engine: ModelEngine;
  readonly machine: Machine;
  readonly disk?: Disk;
  readonly times?: Partial<LookTimes & { hash: number }>;
}

const usualTimes: LookTimes = { list: 3000, folder: 10_000, asked: 60_000, stale: 30_000 };

export interface ModelList {
  readonly models: Model[];
  readonly vaes: Vae[];
  readonly folders: { path: string; source: string; exists: boolean }[];
  readonly problems: string[];
  readonly looking: boolean;
}

export class Models {
  readonly #rows: ModelRows;
  readonly #engine: ModelEngine;
  readonly #looks: Looks;
  readonly #hashes: Hashes;
  readonly #reach: Reach;
  readonly #stop = new AbortController();

  constructor({ rows, jobs, engine, machine, disk = thisDisk, times = {} }: ModelsParts) {
    this.#rows = rows;
    this.#engine = engine;
    const patience = new Patience(disk);
    this.#looks = new Looks({ rows, engine, machine, disk, patience }, { ...usualTimes, ...times });
    this.#hashes = new Hashes({ jobs, rows, engine, disk }, times.hash);
    this.#reach = new Reach({ rows, engine, disk, signal: this.#stop.signal });
  }

  /** What is known, after a look of a few seconds at most. */
  async list(): Promise<ModelList> {
    return this.#listOf(await this.#looks.soon());
  }

  /** Looks at all folders again. @returns How many models there are. */
  async refresh(): Promise<number> {
    return this.#listOf(await this.#looks.anew()).models.length;
  }

  /** Remembers a file or a folder. @returns The models that lie there. */
  async add(given: string): Promise<Model[]> {
    const path = resolve(given);
    const { kind } = await this.#reach.status(path);
    const known = this.#rows.places().includes(path);
    this.#rows.addPlace(path);
    try {
      const look = await this.#looks.anew();
      const rows = this.#looks.shown(look, path);
      if (rows.length === 0) throw nothingAt(path, kind, this.#rows.byPath(path));
      return rows.filter(({ file }) => file?.kind !== "vae").map((row) => this.#view(row));
    } catch (error) {
      if (!known) this.#rows.removePlace(path);
      throw error;
    }
  }

  /** Forgets a chosen path, or a model that is gone. */
  async forget(given: string): Promise<void> {
    const path = resolve(given);
    const row = this.#rows.byPath(path);
    if (!this.#rows.removePlace(path)) {
      if (row === undefined) {
        const message = `"${path}" is neither a chosen path nor a model.`;
        throw new FacetError("not-found", message, { path });
      }
      if (await this.#reach.isThere(path)) {
        throw new FacetError(
          "invalid-argument",
          `"${path}" was not chosen but found (${row.source}), so it would be found again. Move it out of its folder.`,
          { path },
        );
      }
    }
    const look = await this.#looks.anew();
    // What is found through another folder as well stays, with all that was said of it.
    for (const { path: each } of this.#rows.all()) {
      const below = each === path || isInside(path, each);
      if (below && !look.seen.has(each)) this.#rows.forget(each);
    }
  }

  async change(id: string, choices: ModelChoices): Promise<Model> {
    const row = await this.#require(id);
    const { textFrom } = choices;
    const vae = choices.vae == null ? choices.vae : resolve(choices.vae);
    if (vae != null) {
      const candidate = await this.#reach.candidate(vae);
      await checkVae(this.#engine, candidate, this.#stop.signal);
    }
    if (textFrom != null) checkTextFrom(row, await this.#require(textFrom));
    const said = choices.licence?.trim();
    const licence = choices.licence === undefined ? undefined : said || null;
    this.#rows.choose(id, { vae, textFrom, licence });
    return this.#view(await this.#require(id));
  }

  /** @returns The job that hashes the model. */
  async hash(id: string): Promise<string> {
    const row = await this.#require(id);
    if (descriptionOf(row) === null) throw unusable(row);
    await this.#reach.status(row.path);
    return this.#hashes.start(row);
  }

  /** The model named, else the one used last, else the only one. Throws and says what to do where there is none. */
  async placeOf(id: string | undefined): Promise<{ id: string; place: ModelPlace }> {
    const row = id === undefined ? await this.#usual() : await this.#require(id);
    return { id: row.id, place: await this.#reach.placeOf(row) };
  }

  /** It was mounted, or a picture was made with it: it is the next one's model, and its hash is worth having. */
  used(id: string): void {
    this.#rows.used(id, Date.now());
    if (this.#rows.byId(id)?.sha256 === null) this.#hashes.soon(id);
  }

  close(): void {
    this.#stop.abort(new FacetError("cancelled", "Facet was closed."));
    this.#looks.close();
    this.#hashes.close();
  }

  #listOf(look: Look): ModelList {
    const models: Model[] = [];
    const vaes: Vae[] = [];
    const damaged: string[] = [];
    for (const row of this.#looks.shown(look)) {
      const { file } = row;
      if (file?.kind === "vae") vaes.push(vaeView(row));
      else if (file?.kind === "refused" && look.seen.get(row.path)?.kind === "vae") {
        // VAEs of other families are many and none of our business; a damaged file is worth a word.
        if (file.failure.code !== "unsupported") damaged.push(file.failure.message);
      } else models.push(this.#view(row, look));
    }
    models.sort((a, b) => Number(b.problem === null) - Number(a.problem === null) || byName(a, b));
    vaes.sort(byName);
    // One that was refused when it was added is in the look that found it so.
    const chosen = new Set(this.#rows.places());
    return {
      models,
      vaes,
      folders: look.places
        .filter(({ place, exists }) => exists || place.named)
        .filter(({ place }) => place.source !== "chosen" || chosen.has(place.path))
        .map(({ place: { path, source }, exists }) => ({ path, source, exists })),
      problems: [...look.problems, ...damaged],
      looking: this.#looks.looking,
    };
  }

  #view(row: ModelRow, look: Look | null = this.#looks.answer): Model {
    return modelView(row, look?.gone.has(row.path) ?? false, (id) => this.#rows.byId(id));
  }

  /** A model that came since the last look is found by another one. */
  async #require(id: string): Promise<ModelRow> {
    const known = this.#rows.byId(id);
    if (known !== undefined) return known;
    await this.#looks.anew();
    const found = this.#rows.byId(id);
    if (found !== undefined) return found;
    throw new FacetError("not-found", `There is no model ${id}.`, { field: "id" });
  }

  async #usual(): Promise<ModelRow> {
    const ready = (row: ModelRow) =>
      descriptionOf(row) !== null && needsOf(row, (id) => this.#rows.byId(id)).length === 0;
    const used = this.#rows.all().filter((row) => row.usedAt !== null && ready(row));
    used.sort((a, b) => (b.usedAt ?? 0) - (a.usedAt ?? 0));
    for (const row of used) if (await this.#reach.isThere(row.path)) return row;
    const look = await this.#looks.whole();
    const here = this.#looks.shown(look).filter((row) => ready(row) && !look.gone.has(row.path));
    const [only] = here;
    if (only !== undefined && here.length === 1) return only;
    throw new FacetError(
      "not-found",
      only === undefined
        ? "There is no model that can make pictures. Add a checkpoint on the Models page, or with: facet models --add FILE"
        : `There are ${here.length} models; say which one is meant. facet models lists them.`,
      { field: "model" },
    );
  }
}

function byName(a: { name: string; path: string }, b: { name: string; path: string }): number {
  const [left, right] = [sortName(a.name), sortName(b.name)];
  return left < right ? -1 : left > right ? 1 : a.path < b.path ? -1 : 1;
}

function nothingAt(path: string, kind: string, row: ModelRow | undefined): FacetError {
  const { file } = row ?? {};
  if (file?.kind === "other") {
    const what = `"${path}" is ${file.what}, not a base model.`;
    return new FacetError("unsupported", what, { path });
  }
  const message =
    kind === "folder"
      ? `"${path}" holds no base models: no .safetensors files of that kind and no diffusers folders.`
      : `"${path}" is no base model: choose a .safetensors file or a diffusers folder.`;
  return new FacetError("unsupported", message, { path });
}
