/** Exporting as a service: batches as jobs, single files made ready for a drag, names before anything is written. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { findLoraFolders, type Machine, type Search } from "../comfy/folders.ts";
import { isTemporary, sweepTemporaries } from "../files/temporaries.ts";
import { failureOf } from "../jobs/failure.ts";
import type { JobContext, Jobs } from "../jobs/jobs.ts";
import type { ContractRouterClient } from "@orpc/contract";
import type { EngineContract } from "../../src-preload/contract/engine.ts";
import {
  type ComfyFolder,
  type ExportDialect,
  type ExportDtype,
  type ExportedFile,
  ExportOptions,
  ExportResult,
} from "../../src-preload/contract/exports.ts";
import type { Details } from "../../src-preload/contract/library.ts";
import type { Catalogue } from "./catalogue.ts";
import { copiesAtOnce } from "./copy-pool.ts";
import { prepareDestination } from "./destination.ts";
import { cardFacts, identityMetadata, pictures } from "./identity.ts";
import { checkTemplate, Names, stemFor } from "./naming.ts";
import { sidecarEndings, writeSidecars } from "./sidecars.ts";

type Options = z.output<typeof ExportOptions>;
type Exported = z.output<typeof ExportedFile>;
type Engine = Pick<ContractRouterClient<EngineContract>, "export">;
type Written = Awaited<ReturnType<Engine["export"]>>;

const ending = ".safetensors";
/** Identities looked at to estimate a batch's size. */
const sampled = 64;
/** Tells staged exports from uploads, which lie in the same folder; the library removes both when they are old. */
const stagedPrefix = "export-";
/** Results are stored at most this often while a batch runs, so that ten thousand of them stay linear. */
const checkpointEvery = 1000;

const elementBytes: Record<ExportDtype, number> = { f16: 2, bf16: 2, f32: 4 };

const JobData = z.object({ ids: z.array(z.string()), to: z.string(), options: ExportOptions });
/** What a resumed batch has behind it. */
const Checkpoint = ExportResult;

export interface ExportsOptions {
  readonly jobs: Jobs;
  /** The background engine. */
  readonly engine: Engine;
  readonly catalogue: Catalogue;
  /** The library's `staging` folder: the download route finds `<staging>/<token>/<name>` in it. */
  readonly staging: string;
  readonly version: string;
  readonly machine: Machine;
  /** Folders from the settings. */
  chosenFolders(): readonly string[];
}

export class Exports {
  readonly #options: ExportsOptions;

  constructor(options: ExportsOptions) {
    this.#options = options;
    options.jobs.define("export", {
      data: JobData,
      result: ExportResult,
      run: (context, data) => this.#run(context, data),
    });
  }

  /** Refuses at once what cannot work; returns the job. */
  async start(ids: readonly string[], to: string, input: ExportOptions): Promise<string> {
    const options = ExportOptions.parse(input);
    checkTemplate(options.template);
    const unique = Array.from(new Set(ids));
    const folder = await prepareDestination(to, this.#estimate(unique, options.dtype));
    const [only, ...others] = unique;
    const title =
      only !== undefined && others.length === 0
        ? `Export ${this.#options.catalogue.details(only).name}`
        : `Export ${unique.length} LoRAs`;
    return this.#options.jobs.start("export", title, { ids: unique, to: folder, options });
  }

  /** The names a template gives, numbered where two would be the same. */
  preview(
    ids: readonly string[],
    template: string,
    dialect: ExportDialect,
    dtype: ExportDtype,
  ): string[] {
    const names = new Names([], [ending], "number");
    return ids.map((id, index) => {
      const values = fieldValues(this.#options.catalogue.details(id), index, dialect, dtype);
      return names.take(stemFor(template, values)) + ending;
    });
  }

  async stage(
    id: string,
    input: ExportOptions,
  ): Promise<{ path: string; download: string; name: string }> {
    const options = ExportOptions.parse(input);
    const details = this.#options.catalogue.details(id);
    const stem = stemFor(options.template, fieldValues(details, 0, options.dialect, options.dtype));
    // The folder is the download's token, and the file in it carries its plain name into the drop.
    const download = `${stagedPrefix}${randomUUID()}`;
    const folder = join(this.#options.staging, download);
    await mkdir(folder, { recursive: true });
    const name = stem + ending;
    const path = join(folder, name);
    await this.#write(details, path, { ...options, existing: "refuse", sidecars: false });
    return { path, download, name };
  }

  async folders(): Promise<ComfyFolder[]> {
    return (await this.searchFolders()).folders;
  }

  /** Where other tools keep LoRAs, and which of their files could not be understood. */
  searchFolders(): Promise<Search> {
    return findLoraFolders(this.#options.chosenFolders(), this.#options.machine);
  }

  async #run(
    context: JobContext,
    { ids, to, options }: z.output<typeof JobData>,
  ): Promise<ExportResult> {
    const before = Checkpoint.safeParse(context.state);
    const failed: ExportResult["failed"] = before.success ? before.data.failed : [];
    const written = new Map<string, Exported>(
      before.success ? before.data.files.map((file) => [file.id, file]) : [],
    );
    const settled = new Set([...written.keys(), ...failed.map(({ id }) => id)]);
    const waiting = Array.from(ids.entries()).filter(([, id]) => !settled.has(id));

    const endings = options.sidecars ? [ending, ...sidecarEndings] : [ending];
    const names = new Names(await present(to), endings, options.existing);
    let done = settled.size;
    let stored = Date.now();
    const result = (): ExportResult => ({
      files: ids.map((id) => written.get(id)).filter((file) => file !== undefined),
      failed,
    });
    context.progress({ done, total: ids.length, unit: "files", step: "Writing" });

    const queue = waiting.values();
    const worker = async () => {
      for (;;) {
        // Cancelled while it waited: what is written so far is the result.
        if (
          await context.paused().then(
            () => context.signal.aborted,
            () => true,
          )
        )
          return;
        const next = queue.next();
        if (next.done) return;
        const [index, id] = next.value;
        let name = id;
        try {
          const details = this.#options.catalogue.details(id);
          name = details.name;
          context.progress({ step: name });
          const stem = stemFor(
            options.template,
            fieldValues(details, index, options.dialect, options.dtype),
          );
          written.set(id, await this.#writeNamed(details, to, stem, names, options));
        } catch (error) {
          const { code, message } = failureOf(error);
          // Not this file's fault: the job stops, and goes on from here when it is resumed.
          if (code === "engine-unavailable") throw error;
          failed.push({ id, name, code, reason: message });
        }
        done += 1;
        context.progress({ done });
        if (Date.now() - stored > checkpointEvery) {
          stored = Date.now();
          context.checkpoint(result());
        }
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: copiesAtOnce }, worker));
    for (const outcome of ended) {
      if (outcome.status === "fulfilled") continue;
      context.checkpoint(result());
      throw outcome.reason;
    }
    // Also after a cancel: what was written stays, and is told.
    return result();
  }

  /** Writes under a free name; where somebody takes it meanwhile, under the next. */
  async #writeNamed(
    details: Details,
    to: string,
    stem: string,
    names: Names,
    options: Options,
  ): Promise<Exported> {
    for (;;) {
      const free = names.take(stem);
      try {
        return await this.#write(details, join(to, free + ending), options);
      } catch (error) {
        if (options.existing !== "number" || failureOf(error).code !== "already-exists")
          throw error;
        names.appeared(free + ending);
      }
    }
  }

  async #write(details: Details, path: string, options: Options): Promise<Exported> {
    const { catalogue, engine, version } = this.#options;
    const overwrite = options.existing === "overwrite";
    const preview = catalogue.preview(details.id);
    const { thumbnail, png } =
      preview === null ? { thumbnail: null, png: null } : await pictures(preview, options.sidecars);
    const written = await engine.export({
      source: catalogue.resolve(details.id),
      to: path,
      dialect: options.dialect,
      dtype: options.dtype,
      metadata: identityMetadata(details, version, thumbnail),
      overwrite,
    });
    if (options.sidecars)
      await writeSidecars(path.slice(0, -ending.length), cardFacts(details), png, overwrite);
    return {
      id: details.id,
      path,
      bytes: written.bytes,
      sha256: written.sha256,
      modules: written.modules,
      notes: notesOn(details, written),
    };
  }

  #estimate(ids: readonly string[], dtype: ExportDtype): number {
    const some = ids.slice(0, sampled);
    let bytes = 0;
    for (const id of some) {
      const { inspection, bytes: stored } = this.#options.catalogue.details(id);
      bytes += inspection === null ? stored : inspection.parameters * elementBytes[dtype];
    }
    return Math.ceil((bytes / Math.max(1, some.length)) * ids.length);
  }
}

function notesOn({ kind, recipe }: Details, { fingerprint, embeddings = "" }: Written): string[] {
  const notes: string[] = [];
  // Files are what they are, also those that carry the recipe they were made from.
  if (kind === "recipe" && fingerprint !== undefined && fingerprint !== recipe?.fingerprint) {
    notes.push(
      "Its numbers differ from when it was kept, as another machine or another version of Facet can make them.",
    );
  }
  if (embeddings !== "") notes.push(embeddings);
  return notes;
}

/** Names in the folder, less what a killed process left of the file it was writing. */
async function present(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const swept = names.some(isTemporary) ? sweepTemporaries(folder) : [];
  return names.filter((name) => !swept.includes(name));
}

/** What the template's fields stand for; `{index}` counts from 1. */
function fieldValues(details: Details, index: number, dialect: ExportDialect, dtype: ExportDtype) {
  const { min, max } = details.rank;
  const now = new Date();
  const two = (part: number) => String(part).padStart(2, "0");
  return {
    name: details.name,
    id: details.id,
    rank: min === max ? String(max) : `${min}-${max}`,
    family: details.family,
    date: `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`,
    index: String(index + 1),
    dialect,
    dtype,
  };
}
