/** What a file says of itself that a person wants to see: its title and the words that call it up. */
import type { Header } from "./dialects/dialect.ts";

/** The training tags of one data set can be thousands; these many say what the LoRA answers to. */
const tagLimit = 10;
const wordLimit = 30;

export function titleOf(metadata: Header["metadata"]): string | undefined {
  for (const key of ["modelspec.title", "ss_output_name"]) {
    const title = metadata.get(key)?.trim();
    if (title) return title;
  }
  return undefined;
}

/** Most certain first: the stated phrase, trained embeddings, class tokens, then the first data set's top tags. */
export function triggerWordsOf(
  metadata: Header["metadata"],
  embeddings: readonly string[],
): string[] {
  const words = new Set<string>();
  const add = (text: unknown): void => {
    if (typeof text !== "string") return;
    const word = text.trim();
    if (word.length > 0 && word.length <= 200 && words.size < wordLimit) words.add(word);
  };
  for (const phrase of metadata.get("modelspec.trigger_phrase")?.split(",") ?? []) add(phrase);
  embeddings.forEach(add);
  for (const token of classTokens(metadata.get("ss_datasets"))) add(token);
  for (const tag of topTags(metadata.get("ss_tag_frequency"))) add(tag);
  return [...words];
}

function* classTokens(text: string | undefined): Generator<unknown> {
  for (const set of items(parse(text))) {
    for (const subset of items(field(set, "subsets"))) yield field(subset, "class_tokens");
  }
}

/** `{folder: {tag: count}}`: tags of the first folder, most frequent first. */
function topTags(text: string | undefined): string[] {
  const value = parse(text);
  if (typeof value !== "object" || value === null) return [];
  const [first] = Object.values(value) as unknown[];
  if (typeof first !== "object" || first === null || Array.isArray(first)) return [];
  return (Object.entries(first) as [string, unknown][])
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, tagLimit)
    .map(([tag]) => tag);
}

/** Other tools' metadata: what cannot be read is simply not shown. */
function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
