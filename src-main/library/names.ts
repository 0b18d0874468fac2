/** Names: how they sort, and how two files that claim the same one are told apart. */
import { basename, dirname, extname } from "node:path";
import type { Database } from "./database.ts";

/** File names that trainers give to every LoRA: the folder says more. */
const genericStems = new Set([
  "adapter_model",
  "pytorch_lora_weights",
  "lora",
  "model",
  "diffusion_pytorch_model",
  "pytorch_model",
]);
const longestName = 200;

/** "Anna 10" after "Anna 2", "Änna" beside "Anna". Stored, so that an index sorts by it. */
export function sortName(name: string): string {
  return name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/\d{1,12}/g, (digits) => digits.padStart(12, "0"));
}

export function stemOf(path: string): string {
  const name = basename(path);
  const extension = extname(name);
  return extension === "" ? name : name.slice(0, -extension.length);
}

/** What a file is called in the library before the user says otherwise. */
export function nameOf(path: string): string {
  const stem = stemOf(path);
  const generic = genericStems.has(stem.toLowerCase());
  const name = (generic ? basename(dirname(path)) : stem).trim().slice(0, longestName);
  return name === "" ? stem : name;
}

/** Gives each newcomer a name of its own: the second `Anna` becomes `Anna 2`. */
export class FreeNames {
  readonly #database: Database;
  /** Where counting may go on, so that the thousandth `Anna` asks once and not a thousand times. */
  readonly #next = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  take(wanted: string): string {
    const key = wanted.toLowerCase();
    const taken = this.#database.column(
      "select 1 from loras where name = ? collate nocase and deleted_at is null limit 1",
    );
    let name = wanted;
    let number = this.#next.get(key) ?? 2;
    if (number > 2) name = `${wanted} ${number++}`;
    while (taken.get(name) !== undefined) name = `${wanted} ${number++}`;
    if (this.#next.size > 10_000) this.#next.clear();
    this.#next.set(key, number);
    return name;
  }
}
