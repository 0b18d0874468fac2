/**
 * The search language: words, `"a phrase"`, `-without`, and terms such as `rank>8`, `family:sdxl`, `tag:woman`,
 * `is:favourite`. Nothing a user types is an error: what is no term is a word.
 */

export type Comparison = "<" | "<=" | "=" | ">=" | ">";
export const numberFields = ["rank", "modules", "rating", "parameters", "size", "weight"] as const;
export type NumberField = (typeof numberFields)[number];
export const states = [
  "favourite",
  "recipe",
  "file",
  "trouble",
  "unread",
  "copied",
  "referenced",
  "tagged",
  "rated",
] as const;
export type State = (typeof states)[number];
export const wordFields = ["name", "notes", "trigger", "title", "file"] as const;
export type WordField = (typeof wordFields)[number];

export type Term =
  | { kind: "words"; text: string; field: WordField | null }
  | { kind: "number"; field: NumberField; comparison: Comparison; value: number }
  | { kind: "state"; state: State }
  | { kind: "equals"; field: "family" | "dialect" | "tag" | "collection"; value: string };

export interface Query {
  readonly all: readonly Term[];
  readonly none: readonly Term[];
}

/** A minus, a field with its comparison, then a quoted text or a run without spaces. */
const token = /(-?)(?:([a-z]+)(:|<=|>=|=|<|>))?(?:"([^"]*)"?|(\S+))/giu;
const sizes: Record<string, number> = { "": 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9 };
const synonyms: Record<string, string> = {
  favorite: "favourite",
  favorites: "favourite",
  favourites: "favourite",
  triggers: "trigger",
  notes: "notes",
  note: "notes",
};

export function parseQuery(text: string): Query {
  const all: Term[] = [];
  const none: Term[] = [];
  // FTS5 reads its expressions up to the first NUL.
  for (const match of text.replaceAll("\0", " ").matchAll(token)) {
    const [raw, minus = "", field = "", comparison = "", quoted, bare] = match;
    const value = quoted ?? bare ?? "";
    const term = fieldTerm(field.toLowerCase(), comparison, value) ?? {
      kind: "words" as const,
      text: field === "" ? value : raw.slice(minus.length),
      field: null,
    };
    if (term.kind === "words" && !/[\p{L}\p{N}\p{So}\p{Co}]/u.test(term.text)) continue;
    (minus === "-" ? none : all).push(term);
  }
  return { all, none };
}

function fieldTerm(rawField: string, comparison: string, value: string): Term | null {
  const field = synonyms[rawField] ?? rawField;
  if (field === "" || value === "") return null;
  if (isOneOf(numberFields, field)) return numberTerm(field, comparison, value);
  if (comparison !== ":" && comparison !== "=") return null;
  if (field === "is") {
    const state = synonyms[value.toLowerCase()] ?? value.toLowerCase();
    return isOneOf(states, state) ? { kind: "state", state } : null;
  }
  if (field === "family" || field === "dialect" || field === "tag" || field === "collection") {
    return { kind: "equals", field, value };
  }
  return isOneOf(wordFields, field) ? { kind: "words", text: value, field } : null;
}

function numberTerm(field: NumberField, comparison: string, text: string): Term | null {
  const match = /^(-?\d+(?:\.\d+)?)([a-z]*)$/i.exec(text);
  const factor = sizes[match?.[2]?.toLowerCase() ?? ""];
  if (match === null || factor === undefined) return null;
  const sign = comparison === ":" ? "=" : comparison;
  return {
    kind: "number",
    field,
    comparison: sign as Comparison,
    value: Number(match[1]) * factor,
  };
}

function isOneOf<T extends string>(list: readonly T[], value: string): value is T {
  return (list as readonly string[]).includes(value);
}
