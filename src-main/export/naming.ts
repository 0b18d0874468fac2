/** File names from a template: safe on every system, whole emoji, no two alike in a batch. */
import { FacetError } from "../core/errors.ts";

export const fields = [
  "name",
  "id",
  "rank",
  "family",
  "date",
  "index",
  "dialect",
  "dtype",
] as const;
export type Field = (typeof fields)[number];
export type Values = Readonly<Record<Field, string>>;

/** Bytes that one name may take on ext4, APFS and NTFS; Windows counts UTF-16 units, which are never more. */
const nameLimit = 255;
/** Of the name, kept free for ` (12345)`, the longest ending, and the suffix of the temporary file while it is written. */
const reserve = 40;
/** Longest stem that still leaves room for all of that. */
export const stemLimit = nameLimit - reserve;

/** Windows refuses these, alone or before any dot. */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=$|\.)/i;
// Path separators and what Windows refuses in names.
const refused = /[<>:"/\\|?*]/g;
// Control characters, lone surrogates, private use; direction marks that make a name lie. Joiners stay: emoji need them.
const invisible = /[\p{Cc}\p{Cs}\p{Co}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const spaces = /\s+/gu;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const encoder = new TextEncoder();

/** Throws `invalid-argument` for a template with a field that does not exist. */
export function checkTemplate(template: string): void {
  for (const [, field] of template.matchAll(/\{([^{}]*)\}/g)) {
    if (!fields.some((known) => known === field)) {
      throw new FacetError(
        "invalid-argument",
        `The template has {${field}}, which does not exist. Use ${fields.map((known) => `{${known}}`).join(" ")}.`,
        { field: "template" },
      );
    }
  }
}

/** The stem that a template gives: file name without ending. */
export function stemFor(template: string, values: Values): string {
  checkTemplate(template);
  const filled = template.replaceAll(/\{([^{}]*)\}/g, (whole, field: string) =>
    Object.hasOwn(values, field) ? values[field as Field] : whole,
  );
  return sanitise(filled, values.id);
}

/** A name that Windows, macOS and Linux all take; `fallback` where nothing is left of it. */
export function sanitise(name: string, fallback = "lora"): string {
  const visible = name
    .normalize("NFC")
    .replaceAll(invisible, "")
    .replaceAll(refused, "-")
    .replaceAll(spaces, " ");
  let stem = trimEnds(shorten(trimEnds(visible), stemLimit));
  if (stem === "") stem = fallback.replaceAll(/[^A-Za-z0-9_-]/g, "") || "lora";
  return reserved.test(stem) ? `_${stem}` : stem;
}

/** Leading dots hide a file; trailing dots and spaces vanish on Windows. */
function trimEnds(text: string): string {
  return text.replace(/^[\s.]+/u, "").replace(/[\s.]+$/u, "");
}

/** At most `limit` bytes of UTF-8, cut between what a reader sees as characters. */
export function shorten(text: string, limit: number): string {
  if (encoder.encode(text).length <= limit) return text;
  let bytes = 0;
  let end = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    bytes += encoder.encode(segment).length;
    if (bytes > limit) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** What systems that fold case and composition take for the same name. */
function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

export type Existing = "refuse" | "number" | "overwrite";

/** Gives out names in one folder: what lies there and what the batch took before is known to it. */
export class Names {
  readonly #there: Set<string>;
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();
  readonly #endings: readonly string[];
  readonly #existing: Existing;

  /** @param present names in the folder. @param endings all files that one stem becomes, e.g. `.safetensors`, `.json`. */
  constructor(present: Iterable<string>, endings: readonly string[], existing: Existing) {
    this.#there = new Set(Array.from(present, folded));
    this.#endings = endings;
    this.#existing = existing;
  }

  /**
   * A stem that is free under the policy. Overwriting is for files that were there before: two of one batch never
   * share a name. Throws `already-exists` under `refuse`.
   */
  take(stem: string): string {
    const taken = this.#has(this.#taken, stem);
    const there = this.#has(this.#there, stem);
    if (this.#existing === "refuse" && (taken !== null || there !== null)) {
      throw new FacetError(
        "already-exists",
        taken === null
          ? `${there} is in the folder already. Choose another template, or number or overwrite what is there.`
          : `Two of these would be called ${taken}. Add {id} or {index} to the template, or number what is there.`,
        { field: "template" },
      );
    }
    const free = (candidate: string) =>
      this.#has(this.#taken, candidate) === null &&
      (this.#existing === "overwrite" || this.#has(this.#there, candidate) === null);
    let candidate = stem;
    const key = folded(stem);
    for (let count = this.#next.get(key) ?? 2; !free(candidate); count++) {
      candidate = `${stem} (${count})`;
      this.#next.set(key, count + 1);
    }
    for (const ending of this.#endings) this.#taken.add(folded(candidate + ending));
    return candidate;
  }

  /** Somebody else made this file since the folder was read. */
  appeared(name: string): void {
    this.#there.add(folded(name));
  }

  /** The first of the stem's files that is in the set. */
  #has(names: ReadonlySet<string>, stem: string): string | null {
    for (const ending of this.#endings) if (names.has(folded(stem + ending))) return stem + ending;
    return null;
  }
}
