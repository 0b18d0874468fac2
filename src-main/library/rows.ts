/** Rows of the library as values: hand-written where 100,000 of them are read, zod elsewhere. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { z } from "zod";
import { assert } from "../core/errors.ts";
import { sketchLength } from "./sketch-index.ts";
import type { Card } from "../../src-preload/contract/library.ts";
import { Inspection } from "../../src-preload/contract/lora.ts";
import { RecipeRecord } from "../../src-preload/contract/recipe.ts";

/** Metadata values longer than this are cut in the stored copy; `inspect` shows the file's own. */
const longestValue = 4000;
const mostUnmatched = 1000;
/** Below this deflating takes longer than writing. */
const worthDeflating = 2048;
/** Values that hold pictures: made into previews, never stored. */
const pictureKeys = new Set(["modelspec.thumbnail", "ssmd_cover_images"]);

type Row = Readonly<Record<string, unknown>>;

function text(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === "string", `column ${column} is text`);
  return value;
}
function number(row: Row, column: string): number {
  const value = row[column];
  assert(typeof value === "number", `column ${column} is a number`);
  return value;
}
function optionalText(row: Row, column: string): string | null {
  return row[column] == null ? null : text(row, column);
}
function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

export const cardColumns = `l.seq, l.id, l.name, l.kind, l.family, l.dialect, l.rank_min, l.rank_max, l.modules,
  l.matched, l.total, l.favourite, l.rating, l.bytes, l.created_at, l.preview, l.trouble,
  (select json_group_array(t.tag) from lora_tags x join tags t on t.id = x.tag where x.lora = l.seq) as tags`;

const noTags: string[] = [];

export function toCard(value: unknown): Card {
  assert(isRow(value), "a card is a row");
  const tags = text(value, "tags");
  const family = text(value, "family");
  return {
    id: text(value, "id"),
    name: text(value, "name"),
    kind: value["kind"] === "recipe" ? "recipe" : "file",
    family: family === "sdxl" ? "sdxl" : "sd15",
    dialect: text(value, "dialect"),
    rank: { min: number(value, "rank_min"), max: number(value, "rank_max") },
    modules: number(value, "modules"),
    matched: number(value, "matched"),
    total: number(value, "total"),
    favourite: value["favourite"] === 1,
    rating: number(value, "rating"),
    tags: tags === "[]" ? noTags : sortedTags(tags),
    bytes: number(value, "bytes"),
    createdAt: number(value, "created_at"),
    preview: optionalText(value, "preview"),
    trouble: optionalText(value, "trouble"),
  };
}

const Texts = z.array(z.string());

function sortedTags(json: string): string[] {
  return Texts.parse(JSON.parse(json)).toSorted((a, b) => a.localeCompare(b));
}

/** What the library's own work needs to know of a row; cards and details are for pages. */
export const Lora = z.object({
  seq: z.int(),
  id: z.string(),
  kind: z.enum(["file", "recipe"]),
  storage: z.enum(["copied", "referenced", "recipe"]),
  name: z.string(),
  family: z.enum(["sdxl", "sd15"]),
  bytes: z.number(),
  preview: z.string().nullable(),
  trouble: z.string().nullable(),
  deleted_at: z.number().nullable(),
  state: z.enum(["unread", "read", "failed"]),
  path: z.string().nullable(),
  modified_at: z.number().nullable(),
  sha256: z.string().nullable(),
  data_sha256: z.string().nullable(),
  companion: z.string(),
  blob: z.string().nullable(),
  fingerprint: z.string().nullable(),
  picture: z.string().nullable(),
  unsaved: z.int(),
});
export type Lora = z.infer<typeof Lora>;

export const loraColumns = Object.keys(Lora.shape)
  .map((column) => `l.${column}`)
  .join(", ");

export function toLora(value: unknown): Lora {
  return Lora.parse(value);
}

/** The header's findings as stored: without pictures, long values cut, deflated (to about a quarter) where long. */
export function packInspection(inspection: Inspection): Buffer | string {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(inspection.metadata)) {
    if (pictureKeys.has(key)) continue;
    metadata[key] =
      value.length <= longestValue
        ? value
        : `${value.slice(0, longestValue)} … (${value.length.toLocaleString("en")} characters)`;
  }
  const unmatched = inspection.unmatched.slice(0, mostUnmatched);
  const json = JSON.stringify({ ...inspection, metadata, unmatched });
  return json.length < worthDeflating ? json : deflateRawSync(json, { level: 3 });
}

export function unpackInspection(value: unknown): Inspection | null {
  if (value == null) return null;
  assert(typeof value === "string" || value instanceof Uint8Array, "an inspection is stored");
  const json = typeof value === "string" ? value : inflateRawSync(value).toString("utf8");
  return Inspection.parse(JSON.parse(json));
}

export function hasPicture(inspection: Inspection): boolean {
  return Object.keys(inspection.metadata).some((key) => pictureKeys.has(key));
}

export function unpackRecipe(value: unknown): RecipeRecord | null {
  return typeof value === "string" ? RecipeRecord.parse(JSON.parse(value)) : null;
}

export function parseTexts(json: unknown): string[] {
  return typeof json === "string" ? Texts.parse(JSON.parse(json)) : [];
}

/** Sketches travel as base64 and are stored as their 1,024 bytes. */
export function sketchBytes(base64: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  assert(bytes.length === sketchLength * 4, `a sketch has ${sketchLength} float32`);
  return bytes;
}
