/** Matrices of the LoRAs that pictures were asked for last, so that a change of strength decodes nothing. */
import { statSync } from "node:fs";
import type { Source } from "../../../src-preload/contract/engine.ts";
import type { Lora } from "../../core/lora/lora.ts";
import { materialise } from "../tasks/materialise.ts";
import type { OpenSpaces } from "../tasks/spaces.ts";

/** Of matrices as float32: a few large LoRAs, or hundreds of slider positions of a small one. */
const budgetBytes = 2 ** 30;

interface Known {
  readonly lora: Lora;
  readonly bytes: number;
}

export class LoraMatrices {
  readonly #spaces: OpenSpaces;
  /** The least recently used first. */
  readonly #known = new Map<string, Known>();

  constructor(spaces: OpenSpaces) {
    this.#spaces = spaces;
  }

  /** The same source gives the same object, which later caches go by. */
  async get(source: Source): Promise<{ lora: Lora; milliseconds: number }> {
    const key = keyOf(source);
    const started = performance.now();
    let known = this.#known.get(key);
    if (known === undefined) {
      const { lora } = await materialise(source, this.#spaces);
      known = { lora, bytes: bytesOf(lora) };
    }
    this.#known.delete(key);
    this.#known.set(key, known);
    this.#evict();
    return { lora: known.lora, milliseconds: performance.now() - started };
  }

  #evict(): void {
    let total = Array.from(this.#known.values()).reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, { bytes }] of this.#known) {
      if (total <= budgetBytes || this.#known.size === 1) return;
      this.#known.delete(key);
      total -= bytes;
    }
  }
}

/** A file may change under its name; what is made from parents and spaces is told by all of it. */
function keyOf(source: Source): string {
  return JSON.stringify(source, (key, value: unknown) => {
    if ((key !== "path" && key !== "space") || typeof value !== "string") return value;
    const status = statSync(value, { throwIfNoEntry: false });
    return [value, status?.size, status?.mtimeMs];
  });
}

function bytesOf({ modules }: Lora): number {
  return modules.reduce((sum, { down, up }) => sum + down.byteLength + up.byteLength, 0);
}
