/** Finds LoRA files under the paths a user gives: files, folders, linked folders once. */
import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { failureOf } from "../jobs/failure.ts";

/** Endings that can hold a LoRA; what is inside decides, not the ending. */
const loraEndings = new Set([".safetensors", ".sft", ".pt", ".pth", ".bin", ".ckpt"]);

/** Entries looked at between two turns of the event loop. */
const perTurn = 256;

export interface FoundFile {
  readonly kind: "file";
  readonly path: string;
  /** Names in its folder, for what lies beside it. */
  readonly siblings: ReadonlySet<string>;
}
export interface NotFound {
  readonly kind: "skipped";
  readonly path: string;
  readonly code: string;
  readonly reason: string;
}
export type Found = FoundFile | NotFound;

/**
 * Every file once, in the order of its name. What cannot be read is skipped with its reason; the walk goes on.
 */
export async function* findFiles(paths: readonly string[]): AsyncGenerator<Found> {
  const walk = new Walk();
  for (const path of paths) yield* walk.root(path);
}

class Walk {
  readonly #files = new Set<string>();
  /** Real paths: a link that leads back into its own folder ends there. */
  readonly #folders = new Set<string>();
  /** The folder listed last: a thousand files dropped from one folder list it once. */
  #listed: { folder: string; names: ReadonlySet<string> } | undefined;

  async *root(path: string): AsyncGenerator<Found> {
    try {
      const status = await stat(path);
      if (status.isDirectory()) {
        let any = false;
        for await (const found of this.#folder(path)) {
          any = true;
          yield found;
        }
        if (!any) yield skip(path, "not-found", `${path} holds no LoRA files (${endings()}).`);
      } else if (loraEndings.has(extname(path).toLowerCase())) {
        yield* this.#file(path, await this.#siblings(dirname(path)));
      } else {
        const reason = `${path} is not a LoRA file by its ending; ${endings()} are read.`;
        yield skip(path, "unsupported", reason);
      }
    } catch (error) {
      yield failed(path, error);
    }
  }

  async *#folder(folder: string): AsyncGenerator<Found> {
    let entries;
    try {
      const real = await realpath(folder);
      if (this.#folders.has(real)) return;
      this.#folders.add(real);
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      yield failed(folder, error);
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const siblings = new Set(entries.map((entry) => entry.name));
    for (const [index, entry] of entries.entries()) {
      if (index % perTurn === perTurn - 1) await setImmediate();
      if (entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* this.#folder(path);
      else if (entry.isSymbolicLink()) yield* this.#link(path, siblings);
      else if (entry.isFile() && isLora(path)) yield* this.#file(path, siblings);
    }
  }

  async *#link(path: string, siblings: ReadonlySet<string>): AsyncGenerator<Found> {
    try {
      const status = await stat(path);
      if (status.isDirectory()) yield* this.#folder(path);
      else if (status.isFile() && isLora(path)) yield* this.#file(path, siblings);
    } catch (error) {
      // A broken link to something else is none of our business.
      if (isLora(path)) yield failed(path, error);
    }
  }

  *#file(path: string, siblings: ReadonlySet<string>): Generator<Found> {
    if (this.#files.has(path)) return;
    this.#files.add(path);
    yield { kind: "file", path, siblings };
  }

  async #siblings(folder: string): Promise<ReadonlySet<string>> {
    if (this.#listed?.folder !== folder) {
      this.#listed = { folder, names: new Set(await readdir(folder)) };
    }
    return this.#listed.names;
  }
}

function isLora(path: string): boolean {
  return loraEndings.has(extname(path).toLowerCase());
}

function endings(): string {
  return [...loraEndings].join(", ");
}

function failed(path: string, error: unknown): NotFound {
  const { code, message } = failureOf(error, path);
  if (code === "unexpected") throw error;
  return skip(path, code, message);
}

function skip(path: string, code: string, reason: string): NotFound {
  return { kind: "skipped", path, code, reason };
}
