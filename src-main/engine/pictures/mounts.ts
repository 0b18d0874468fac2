/** Models that this engine knows: understood once, and again when one of their files has changed. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ModelPlace } from "../../../src-preload/contract/engine.ts";
import type { Checkpoint } from "../../core/checkpoint/checkpoint.ts";
import { withTextEncoders, withVae } from "../../core/checkpoint/combine.ts";
import { describeCheckpoint } from "../../core/checkpoint/describe.ts";
import { openCheckpoint } from "../../files/checkpoint-files.ts";
import type { Sessions } from "../sessions.ts";
import { MountedModel } from "./mounted-model.ts";

/** Descriptions are small; their sessions have a budget of their own. */
const mostModels = 8;

export class Mounts {
  readonly #sessions: Sessions;
  /** By place and state of its files, the least recently used first. */
  readonly #models = new Map<string, MountedModel>();

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** Throws what is wrong with the files, by file and tensor. */
  get(place: ModelPlace): MountedModel {
    const key = keyOf(place);
    let model = this.#models.get(key);
    if (model === undefined) {
      const started = performance.now();
      const checkpoint = describe(place);
      model = new MountedModel(checkpoint, this.#sessions, key, started);
    }
    this.#models.delete(key);
    this.#models.set(key, model);
    for (const old of this.#models.keys()) {
      if (this.#models.size <= mostModels) break;
      this.#models.delete(old);
    }
    return model;
  }

  /** @returns False where it was not known. */
  forget(place: ModelPlace): boolean {
    return this.#models.delete(keyOf(place));
  }
}

function describe({ path, vae, textFrom }: ModelPlace): Checkpoint {
  let checkpoint = describeCheckpoint(openCheckpoint(path));
  if (textFrom !== null) {
    const other = describeCheckpoint(openCheckpoint(textFrom));
    checkpoint = withTextEncoders(checkpoint, other);
    // A file that has only the UNet takes the other's VAE along, unless one was named.
    if (checkpoint.config.vae === null && other.config.vae !== null && vae === null)
      checkpoint = withVae(checkpoint, openCheckpoint(textFrom));
  }
  return vae === null ? checkpoint : withVae(checkpoint, openCheckpoint(vae));
}

function keyOf(place: ModelPlace): string {
  const paths = [place.path, place.vae, place.textFrom];
  return JSON.stringify(paths.map((path) => path && [path, ...statesBelow(path)]));
}

/** Sizes and times of a file, or of a folder's files two levels deep, where a diffusers model has them. */
function statesBelow(path: string, depth = 2): string[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) return [`${String(status?.size)} ${String(status?.mtimeMs)}`];
  if (depth === 0) return [];
  return readdirSync(path).flatMap((name) => statesBelow(join(path, name), depth - 1));
}
