/** One look at the machine's models: where they may lie, what is there, and what is new of it. */
import { setTimeout } from "node:timers/promises";
import type { ModelFile } from "../../src-preload/contract/engine.ts";
import { eachOnce, type Machine, modelPlaces, type Place } from "../comfy/places.ts";
import { FacetError } from "../core/errors.ts";
import { isInside } from "../library/folders.ts";
import type { ModelRow, ModelRows } from "../library/model-rows.ts";
import { failureOf } from "../jobs/failure.ts";
import type { Disk } from "./disk.ts";
import { within } from "./limit.ts";
import type { Patience } from "./patience.ts";
import type { Candidate } from "./walk.ts";

/** The part of the engine that models need. */
export interface ModelEngine {
  describeModel(input: { path: string }, options?: { signal?: AbortSignal }): Promise<ModelFile>;
  hashPart(
    input: { path: string; token: string; from: number; bytes: number },
    options?: { signal?: AbortSignal },
  ): Promise<{ done: number; sha256: string | null }>;
}

export interface LookParts {
  readonly rows: ModelRows;
  readonly engine: ModelEngine;
  readonly machine: Machine;
  readonly disk: Disk;
  readonly patience: Patience;
}

/** What is in reach of somebody who looks for base models, in the order in which a name is looked for. */
const kinds = ["checkpoints", "unet", "diffusers", "vae"] as const;
/** Headers under way at once: the engine reads one while the answer to another travels. */
const lanes = 2;
/** A header of 100 MB on a slow disk; longer only where the disk went away. */
const describeMs = 60_000;
/** The engine ends over one file: that file is left for later. Over this many in a row: it is not the files. */
const mostEngineFailures = 3;
const restartMs = 500;
/** Reasons that may be gone at the next look, so that the file is asked again then. */
const passing = new Set([
  "not-found",
  "not-readable",
  "out-of-memory",
  "cancelled",
  "engine-unavailable",
  "unexpected",
]);

export interface LookedPlace {
  readonly place: Place;
  readonly exists: boolean;
  readonly complete: boolean;
}

/** Grows while the look goes on; whoever asks meanwhile gets what there is. */
export class Look {
  readonly places: LookedPlace[] = [];
  readonly problems: string[] = [];
  /** Paths of what was found, and the place that it was found through. */
  readonly seen = new Map<string, Place>();
  /** Paths that were models and are not there any more. */
  readonly gone = new Set<string>();
  readonly ended: Promise<void>;
  looking = true;
  readonly #parts: LookParts;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  /** @param limitMs how long one folder may take. */
  constructor(parts: LookParts, limitMs: number) {
    this.#parts = parts;
    this.#signal = this.#stop.signal;
    this.ended = this.#run(limitMs).finally(() => {
      this.looking = false;
    });
    // Whoever waits hears of it; nobody has to wait.
    this.ended.catch(() => undefined);
  }

  /** Another look takes its place, or Facet ends. `ended` then rejects, unless it had ended. */
  stop(): void {
    this.#stop.abort(new FacetError("cancelled", "Looking for models was stopped."));
  }

  get stopped(): boolean {
    return this.#signal.aborted;
  }

  /** True for a path in a folder of which not all was seen. */
  isUnseen(path: string): boolean {
    return this.places.some(({ place, complete }) => !complete && covers(place.path, path));
  }

  /** True for a path in a folder that is searched. */
  isSearched(path: string): boolean {
    return this.places.some(({ place }) => covers(place.path, path));
  }

  async #run(limitMs: number): Promise<void> {
    const { machine, rows, patience } = this.#parts;
    const chosen = rows.places().map((path): Place => ({
      kind: "checkpoints",
      path,
      source: "chosen",
      tool: "",
      named: true,
    }));
    const { places, problems } = await modelPlaces(kinds, machine);
    this.problems.push(...problems);
    const folders = new Set<string>();
    const files = new Set<string>();
    const fresh: Candidate[] = [];
    for (const place of eachOnce([...chosen, ...places], machine)) {
      const walked = await patience.walk(place, folders, limitMs, this.#signal);
      const { exists, complete } = walked;
      this.places.push({ place, exists, complete });
      this.problems.push(...walked.problems);
      for (const candidate of walked.candidates) {
        if (files.has(candidate.real)) continue;
        files.add(candidate.real);
        if (!this.#note(candidate, place)) fresh.push(candidate);
      }
    }
    await this.#findGone();
    await this.#describe(fresh);
  }

  /** True where what is known of the candidate still holds. */
  #note(candidate: Candidate, place: Place): boolean {
    const { rows } = this.#parts;
    this.seen.set(candidate.path, place);
    const source = rows.sourceIfKnown(candidate.path, candidate.stamp);
    if (source === null) return false;
    if (source !== place.source) rows.foundThrough(candidate.path, place.source);
    return true;
  }

  async #findGone(): Promise<void> {
    const { rows, disk } = this.#parts;
    for (const { path, file } of rows.all()) {
      if (file?.kind !== "model" || this.seen.has(path)) continue;
      if (!this.isSearched(path) || this.isUnseen(path)) continue;
      // It may be there under another name of its folder, and shown by that.
      const there = await within(disk.status(path), describeMs).then(
        () => true,
        () => false,
      );
      if (!there) this.gone.add(path);
    }
  }

  async #describe(fresh: readonly Candidate[]): Promise<void> {
    const queue = fresh.values();
    let failures = 0;
    const lane = async () => {
      for (const candidate of queue) {
        if (failures >= mostEngineFailures) return;
        this.#signal.throwIfAborted();
        const file = await describe(this.#parts.engine, candidate, this.#signal);
        const code = file.kind === "refused" ? file.failure.code : "";
        failures = code === "engine-unavailable" ? failures + 1 : 0;
        keep(this.#parts.rows, candidate, this.seen.get(candidate.path)?.source ?? "", file);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    if (failures >= mostEngineFailures) {
      this.problems.push("The engine that reads models does not start; its words are in the log.");
    }
  }
}

/** Stores what was found; what may be otherwise at the next look gets no stamp, so that it is asked again. */
export function keep(
  rows: ModelRows,
  candidate: Candidate,
  source: string,
  file: ModelFile,
): ModelRow | undefined {
  const again = file.kind === "refused" && passing.has(file.failure.code);
  const before = again ? rows.byPath(candidate.path)?.file : undefined;
  // A model that cannot be read just now is still known as what it was.
  if (before?.kind !== "model") {
    rows.found({ ...candidate, source, stamp: again ? "" : candidate.stamp }, file);
  }
  return rows.byPath(candidate.path);
}

/** What a candidate is; failures are values. Throws only when the signal does. */
export async function describe(
  engine: ModelEngine,
  candidate: Candidate,
  signal: AbortSignal,
  again = false,
): Promise<ModelFile> {
  const { path, kind } = candidate;
  if (kind === "pickle") return { kind: "refused", failure: pickle(path) };
  try {
    const late = AbortSignal.timeout(describeMs);
    return await within(
      engine.describeModel({ path }, { signal: AbortSignal.any([signal, late]) }),
      describeMs,
    );
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error, path);
    if (failure.code === "engine-unavailable" && !again) {
      // It may have fallen over the file in the other lane.
      await setTimeout(restartMs);
      return describe(engine, candidate, signal, true);
    }
    return { kind: "refused", failure };
  }
}

function pickle(path: string) {
  const error = new FacetError(
    "unsafe-pickle",
    `"${path}" is a .ckpt file: a pickle, which may run programs when it is read, and which cannot be mounted. ` +
      "Save it as .safetensors, for example in ComfyUI with the nodes Load Checkpoint and Save Checkpoint.",
    { path },
  );
  return failureOf(error);
}

function covers(place: string, path: string): boolean {
  return place === path || isInside(place, path);
}
