/** A model as its files are at this moment: there, unchanged, whole; asked before each use. */
import type { ModelPlace } from "../../src-preload/contract/engine.ts";
import { FacetError } from "../core/errors.ts";
import { systemCode } from "../files/errors.ts";
import type { ModelRow, ModelRows } from "../library/model-rows.ts";
import type { Disk, Status } from "./disk.ts";
import { TookTooLong, within } from "./limit.ts";
import { describe, keep, type ModelEngine } from "./look.ts";
import { descriptionOf, needsOf } from "./view.ts";
import { type Candidate, candidateAt } from "./walk.ts";

/** A disk that is there answers in a millisecond; one that sleeps spins up in seconds. */
const answerMs = 15_000;

export interface ReachParts {
  readonly rows: ModelRows;
  readonly engine: ModelEngine;
  readonly disk: Disk;
  readonly signal: AbortSignal;
}

export class Reach {
  readonly #parts: ReachParts;

  constructor(parts: ReachParts) {
    this.#parts = parts;
  }

  status(path: string): Promise<Status> {
    return this.#answer(path, this.#parts.disk.status(path));
  }

  candidate(path: string): Promise<Candidate> {
    return this.#answer(path, candidateAt(this.#parts.disk, path, this.#parts.signal));
  }

  async isThere(path: string): Promise<boolean> {
    return this.status(path).then(
      () => true,
      () => false,
    );
  }

  /** Where pictures are made from. Throws what is missing, and what to do. */
  async placeOf(found: ModelRow): Promise<ModelPlace> {
    const row = await this.#current(found);
    if (descriptionOf(row) === null) throw unusable(row);
    const byId = (id: string) => this.#parts.rows.byId(id);
    const needs = needsOf(row, byId);
    if (needs.length > 0) {
      throw new FacetError(
        "invalid-argument",
        `"${row.path}" has no ${needs.join(" and no ")} of its own. Give it what is missing on the Models page: ` +
          "a VAE file, and a model whose text encoders it may use.",
        { path: row.path, field: needs[0] === "vae" ? "vae" : "textFrom" },
      );
    }
    const other = row.textFrom === null ? undefined : byId(row.textFrom);
    const from = other === undefined ? null : (await this.#current(other)).path;
    if (row.vae !== null) await this.status(row.vae);
    // Without a VAE of its own or a given one, that of `textFrom` is used: the engine takes it from there.
    return { path: row.path, vae: row.vae, textFrom: from, sha256: row.sha256 };
  }

  /** The row, looked into again where its files changed. */
  async #current(row: ModelRow): Promise<ModelRow> {
    const { engine, rows, signal } = this.#parts;
    const candidate = await this.candidate(row.path);
    if (row.current && row.file !== null && candidate.stamp === row.stamp) return row;
    const file = await describe(engine, candidate, signal);
    if (file.kind === "refused") throw refusal(row.path, file.failure);
    return keep(rows, candidate, row.source, file) ?? row;
  }

  async #answer<T>(path: string, work: Promise<T>): Promise<T> {
    try {
      return await within(work, answerMs);
    } catch (error) {
      if (error instanceof TookTooLong) {
        throw new FacetError("not-readable", `The disk of "${path}" does not answer.`, { path });
      }
      const gone = error instanceof FacetError ? error.code === "not-found" : isMissing(error);
      if (!gone) throw error;
      throw new FacetError(
        "not-found",
        `"${path}" is not there. Connect its disk, or choose another.`,
        { path, cause: error },
      );
    }
  }
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
}

export function unusable({ path, file }: ModelRow): FacetError {
  if (file?.kind === "refused") return refusal(path, file.failure);
  return new FacetError("unsupported", `"${path}" is no base model.`, { path });
}

function refusal(path: string, { code, message, field }: Refusal): FacetError {
  // The code was an ErrorCode when the engine wrote it.
  return new FacetError(code as FacetError["code"], message, { path, field });
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly field?: string | undefined;
}
