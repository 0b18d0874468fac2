/** Finds what may be a base model below a folder: files by their endings, and diffusers folders. Nothing is opened. */
import { createHash } from "node:crypto";
import { basename, extname, join } from "node:path";
import { FacetError } from "../core/errors.ts";
import { readError } from "../files/errors.ts";
import type { Disk, Entry, Status } from "./disk.ts";

/** Something that the engine is to look into, or, a pickle, not. */
export interface Candidate {
  readonly kind: "file" | "pickle" | "diffusers";
  readonly path: string;
  /** Where it leads through all links: one file under two names is one model. */
  readonly real: string;
  readonly stamp: string;
  readonly bytes: number;
  /** Milliseconds. */
  readonly modifiedAt: number;
}

export interface WalkProblem {
  readonly kind: "problem";
  readonly words: string;
}

const endings = new Set([".safetensors", ".sft"]);
/** Says that its folder is a diffusers pipeline. */
const pipelineFile = "model_index.json";
/** Folders within folders; deeper ones are no model collections. */
const deepest = 24;

/** One walk over several places: a folder that was seen through one of them is not seen again. */
export class Walk {
  readonly #disk: Disk;
  readonly #signal: AbortSignal;
  readonly #folders: Set<string>;

  /** @param folders real paths that were walked already; added to. */
  constructor(disk: Disk, signal: AbortSignal, folders: Set<string>) {
    this.#disk = disk;
    this.#signal = signal;
    this.#folders = folders;
  }

  /** A folder, or a single file. Throws the system's error where it is not there. */
  async *place(path: string): AsyncGenerator<Candidate | WalkProblem> {
    const status = await this.#disk.status(path);
    if (status.kind === "folder") yield* this.#folder(path, 0);
    else if (status.kind === "file") {
      const candidate = await this.#file(path, status, null);
      if (candidate !== null) yield candidate;
    }
  }

  async *#folder(folder: string, depth: number): AsyncGenerator<Candidate | WalkProblem> {
    this.#signal.throwIfAborted();
    let entries: Entry[];
    let real: string;
    try {
      real = await this.#disk.real(folder);
      if (depth > deepest || this.#folders.has(real)) return;
      this.#folders.add(real);
      entries = await this.#disk.entries(folder);
    } catch (error) {
      yield { kind: "problem", words: words(folder, error) };
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const names = new Set(entries.map(({ name }) => name));
    const pipeline = names.has(pipelineFile);
    if (pipeline) yield* this.#pipeline(folder, entries);
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      if (entry.kind === "folder") {
        // A pipeline's own folders hold its parts, which are no models of their own.
        if (!pipeline) yield* this.#folder(path, depth + 1);
        continue;
      }
      const fits = isModel(entry.name, names);
      if (entry.kind !== "link" && (entry.kind !== "file" || !fits)) continue;
      this.#signal.throwIfAborted();
      try {
        const status = await this.#disk.status(path);
        if (status.kind === "folder" && !pipeline) yield* this.#folder(path, depth + 1);
        if (status.kind !== "file" || !fits) continue;
        const candidate = await this.#file(path, status, entry.kind === "file" ? real : null);
        if (candidate !== null) yield candidate;
      } catch (error) {
        this.#signal.throwIfAborted();
        // A broken link to something else is none of our business.
        if (fits) yield { kind: "problem", words: words(path, error) };
      }
    }
  }

  /** @param folder the real path of its folder where the file itself is no link. */
  async #file(path: string, status: Status, folder: string | null): Promise<Candidate | null> {
    const ending = extname(path).toLowerCase();
    const kind = endings.has(ending) ? "file" : ending === ".ckpt" ? "pickle" : null;
    if (kind === null) return null;
    const { bytes, modifiedAt } = status;
    const stamp = `${bytes} ${modifiedAt}`;
    const real = folder === null ? await this.#disk.real(path) : join(folder, basename(path));
    return { kind, path, real, stamp, bytes, modifiedAt };
  }

  /** The pipeline's folder as one candidate; its stamp knows every file that its description may come from. */
  async *#pipeline(folder: string, entries: readonly Entry[]): AsyncGenerator<Candidate> {
    const hash = createHash("sha256");
    let bytes = 0;
    let modifiedAt = 0;
    const add = async (path: string) => {
      this.#signal.throwIfAborted();
      const status = await this.#disk.status(path).catch(() => null);
      if (status?.kind !== "file") return;
      hash.update(`${path.slice(folder.length)} ${status.bytes} ${status.modifiedAt}\n`);
      if (endings.has(extname(path).toLowerCase())) bytes += status.bytes;
      modifiedAt = Math.max(modifiedAt, status.modifiedAt);
    };
    for (const { name, kind } of entries) {
      const path = join(folder, name);
      if (kind === "file" || kind === "link") {
        if (/^(model_index\.json|readme|licen[cs]e)/i.test(name)) await add(path);
        if (kind === "file") continue;
      }
      if (kind === "other" || name.startsWith(".")) continue;
      const part = await this.#disk.entries(path).catch(() => []);
      part.sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const inner of part) {
        if (/\.(?:safetensors|sft|json)$/i.test(inner.name)) await add(join(path, inner.name));
      }
    }
    const stamp = hash.digest("hex");
    const real = await this.#disk.real(folder);
    yield { kind: "diffusers", path: folder, real, stamp, bytes, modifiedAt };
  }
}

/** The one model that a path itself is. Throws the system's error in words, and `unsupported` where it is none. */
export async function candidateAt(
  disk: Disk,
  path: string,
  signal: AbortSignal,
): Promise<Candidate> {
  try {
    for await (const found of new Walk(disk, signal, new Set()).place(path)) {
      if (found.kind !== "problem" && found.path === path) return found;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw readError(path, error);
  }
  throw new FacetError(
    "unsupported",
    `"${path}" is no .safetensors file and no diffusers folder (which has a ${pipelineFile}).`,
    { path },
  );
}

/** A pickle beside a safetensors file of its name is the same model, of which the better file is taken. */
function isModel(name: string, siblings: ReadonlySet<string>): boolean {
  const ending = extname(name);
  if (endings.has(ending.toLowerCase())) return true;
  if (ending.toLowerCase() !== ".ckpt") return false;
  const stem = name.slice(0, -ending.length);
  // A1111 puts VAEs beside checkpoints under this name.
  return !/\.vae$/i.test(stem) && !siblings.has(`${stem}.safetensors`);
}

/** What keeps a path from being read, in words. */
export function words(path: string, error: unknown): string {
  const known = readError(path, error);
  return known instanceof Error ? known.message : String(known);
}
