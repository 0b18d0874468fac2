/** All dialects, and the reading of a key by every one that understands it. */
import { cloneofsimo } from "./cloneofsimo.ts";
import { comfy } from "./comfy.ts";
import type { Dialect, Header, KeyReading } from "./dialect.ts";
import { diffusersLegacy } from "./diffusers-legacy.ts";
import { diffusersProcessor } from "./diffusers-processor.ts";
import { kohyaDiffusers } from "./kohya-diffusers.ts";
import { kohyaSgm } from "./kohya-sgm.ts";
import { lycoris } from "./lycoris.ts";
import { peftRaw } from "./peft-raw.ts";
import { peft } from "./peft.ts";
import { weights2weights } from "./weights2weights.ts";

/** Where two understand a file equally, the earlier one names it: the special before the general. */
export const dialects: readonly Dialect[] = [
  weights2weights,
  kohyaSgm,
  kohyaDiffusers,
  peft,
  peftRaw,
  diffusersLegacy,
  diffusersProcessor,
  cloneofsimo,
  comfy,
  lycoris,
];

export interface Understood extends KeyReading {
  /**
   * Every dialect that reads the key so: text encoder names are the same in both of kohya's. The same array wherever
   * the dialects are the same.
   */
  readonly dialects: readonly Dialect[];
}

/**
 * Readings by key. A collection repeats the same few thousand names in every file, so the next file costs one look-up
 * a key. Emptied when full; the bound is about ten kinds of full SDXL files.
 */
const memory = new Map<string, Understood>();
const memoryLimit = 32_768;
/** One array for each set of dialects, so that keys can be counted by it. */
const readerSets = new Map<string, readonly Dialect[]>();

/** What a key says, or undefined where no dialect knows it. */
export function readKey(key: string, header: Header): Understood | undefined {
  const known = memory.get(key);
  if (known) return known;
  const readers: Dialect[] = [];
  let first: KeyReading | undefined;
  for (const dialect of dialects) {
    const reading = dialect.parse(key, header);
    if (!reading) continue;
    first ??= reading;
    readers.push(dialect);
  }
  if (!first) return undefined;
  const ids = readers.map(({ id }) => id).join(" ");
  const shared = readerSets.get(ids) ?? readers;
  readerSets.set(ids, shared);
  const understood: Understood = { ...first, dialects: shared };
  if (!readers.some((dialect) => dialect.positional)) {
    if (memory.size >= memoryLimit) memory.clear();
    memory.set(key, understood);
  }
  return understood;
}
