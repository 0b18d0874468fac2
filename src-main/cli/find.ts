/** Finds what a person names: a LoRA or a space by id, by exact name, or by the beginning of an id. */
import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { FacetError } from "../core/errors.ts";
import type { Model } from "../../src-preload/contract/models.ts";
import type { Space } from "../../src-preload/contract/spaces.ts";
import type { StudioClient } from "./command.ts";

const page = 1000;
/** Between two questions whether a look at the folders has ended. */
const askMs = 100;

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** Looks each word up; what was removed is only found in the trash. */
export async function findLoras(
  client: StudioClient,
  words: readonly string[],
  view: "all" | "trash" = "all",
): Promise<Named[]> {
  const ids = new Set(await client.library.ids({ view }));
  // The usual case, ids that a command printed, needs no list of names.
  if (words.every((word) => ids.has(word)))
    return Promise.all(words.map((id) => named(client, id)));
  const all: Named[] = [];
  for (let offset = 0; ; offset += page) {
    const { cards, total } = await client.library.list({ view, offset, limit: page });
    for (const { id, name } of cards) all.push({ id, name });
    if (offset + page >= total) break;
  }
  return words.map((word) => choose(all, word, "LoRA"));
}

async function named(client: StudioClient, id: string): Promise<Named> {
  const { name } = await client.library.get({ id });
  return { id, name };
}

export async function findLora(client: StudioClient, word: string): Promise<Named> {
  const [found] = await findLoras(client, [word]);
  if (found === undefined) throw new FacetError("not-found", `There is no LoRA ${word}.`);
  return found;
}

/** The space that is named; where none is, the newest whose file is there. */
export async function findSpace(client: StudioClient, word: string | undefined): Promise<Space> {
  const spaces = await client.spaces.list();
  if (word !== undefined) return choose(spaces, word, "space");
  const [newest] = spaces
    .filter((space) => space.available)
    .sort((left, right) => right.createdAt - left.createdAt);
  if (newest === undefined) {
    throw new FacetError(
      "missing-space",
      "There is no latent space yet. Fit one with: facet space fit",
      {
        field: "space",
      },
    );
  }
  return newest;
}

/** The base model that is named, by its path too, once all folders were looked through. */
export async function findModel(client: StudioClient, word: string): Promise<Model> {
  const { models } = await allModels(client);
  return chooseModel(models, word);
}

export function chooseModel(models: readonly Model[], word: string): Model {
  const path = resolve(word);
  return models.find((model) => model.path === path) ?? choose(models, word, "model");
}

/** The list of base models, which is whole only when a look at the folders has ended. */
export async function allModels(
  client: StudioClient,
  interrupt?: AbortSignal,
): Promise<Awaited<ReturnType<StudioClient["models"]["list"]>>> {
  for (;;) {
    const list = await client.models.list();
    if (!list.looking || interrupt?.aborted === true) return list;
    await setTimeout(askMs);
  }
}

export function choose<N extends Named>(all: readonly N[], word: string, noun: string): N {
  const exact = all.find(({ id }) => id === word);
  if (exact !== undefined) return exact;
  const named = all.filter(({ name }) => name === word);
  const matches = named.length > 0 ? named : all.filter(({ id }) => id.startsWith(word));
  const [first, ...others] = matches;
  if (first === undefined) {
    throw new FacetError("not-found", `There is no ${noun} with the id or name ${word}.`, {
      field: noun.toLowerCase(),
    });
  }
  if (others.length > 0) {
    const some = matches.slice(0, 5).map(({ id, name }) => `${id} (${name})`);
    throw new FacetError(
      "invalid-argument",
      `${word} fits ${matches.length} ${noun}s: ${some.join(", ")}${matches.length > some.length ? ", …" : ""}. Give more of the id.`,
      { field: noun.toLowerCase() },
    );
  }
  return first;
}
