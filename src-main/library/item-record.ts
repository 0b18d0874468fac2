/** One identity as JSON: the copy on disk of what the database holds, enough to make the rows again. */
import { z } from "zod";
import { Inspection } from "../../src-preload/contract/lora.ts";
import { RecipeRecord } from "../../src-preload/contract/recipe.ts";
import { Rank } from "../../src-preload/contract/common.ts";
import type { Database } from "./database.ts";
import { parseTexts, unpackInspection, unpackRecipe } from "./rows.ts";
import { tagsOf } from "./tags.ts";

export const ItemRecord = z.object({
  version: z.literal(1),
  id: z.string(),
  kind: z.enum(["file", "recipe"]),
  storage: z.enum(["copied", "referenced", "recipe"]),
  name: z.string(),
  createdAt: z.int(),
  /** Orders those that came in the same millisecond. */
  arrival: z.int(),
  deletedAt: z.int().nullable(),
  favourite: z.boolean(),
  rating: z.int().min(0).max(5),
  preferredWeight: z.number().nullable(),
  notes: z.string(),
  triggerWords: z.array(z.string()),
  tags: z.array(z.string()),
  /** Ids; their names lie in collections.json. */
  collections: z.array(z.string()),
  preview: z.string().nullable(),
  path: z.string().nullable(),
  modifiedAt: z.int().nullable(),
  places: z.array(z.object({ path: z.string(), bytes: z.int(), modifiedAt: z.int() })),
  /** Former ids: of identities that turned out to be this one. */
  aliases: z.array(z.string()),
  blob: z.string().nullable(),
  sha256: z.string().nullable(),
  companion: z.string(),
  fingerprint: z.string().nullable(),
  norm: z.number().nullable(),
  sketch: z.string().nullable(),
  rank: Rank,
  modules: z.int(),
  parameters: z.int(),
  /** Without metadata, which the file itself has; for a referenced file that is gone. */
  inspection: Inspection.nullable(),
  recipe: RecipeRecord.nullable(),
});
export type ItemRecord = z.infer<typeof ItemRecord>;

const Row = z.object({
  seq: z.int(),
  id: z.string(),
  kind: z.enum(["file", "recipe"]),
  storage: z.enum(["copied", "referenced", "recipe"]),
  name: z.string(),
  created_at: z.int(),
  deleted_at: z.int().nullable(),
  favourite: z.int(),
  rating: z.int(),
  preferred_weight: z.number().nullable(),
  notes: z.string(),
  triggers: z.string(),
  preview: z.string().nullable(),
  path: z.string().nullable(),
  modified_at: z.int().nullable(),
  blob: z.string().nullable(),
  sha256: z.string().nullable(),
  companion: z.string(),
  fingerprint: z.string().nullable(),
  norm: z.number().nullable(),
  vector: z.instanceof(Uint8Array).nullable(),
  rank_min: z.int(),
  rank_max: z.int(),
  modules: z.int(),
  parameters: z.int(),
  body: z.unknown(),
  record: z.unknown(),
});

const Place = z.object({ path: z.string(), bytes: z.int(), modifiedAt: z.int() });
/** Keys listed in the copy: enough to know what kind of trouble it was. */
const mostUnmatched = 20;

/** Null where the row is gone meanwhile. */
export function recordOf(database: Database, seq: number): ItemRecord | null {
  const value = database
    .statement(
      `select l.*, t.notes, t.triggers, s.norm, s.vector, i.body, r.record
       from loras l join texts t on t.lora = l.seq left join sketches s on s.lora = l.seq
         left join inspections i on i.lora = l.seq left join recipes r on r.lora = l.seq
       where l.seq = ?`,
    )
    .get(seq);
  if (value === undefined) return null;
  const row = Row.parse(value);
  const inspection = unpackInspection(row.body);
  const texts = (sql: string) => database.column(sql).all(seq).map(String);
  return {
    version: 1,
    id: row.id,
    kind: row.kind,
    storage: row.storage,
    name: row.name,
    createdAt: row.created_at,
    arrival: row.seq,
    deletedAt: row.deleted_at,
    favourite: row.favourite === 1,
    rating: row.rating,
    preferredWeight: row.preferred_weight,
    notes: row.notes,
    triggerWords: parseTexts(row.triggers),
    tags: tagsOf(database, seq),
    collections: texts(
      "select c.id from members m join collections c on c.seq = m.collection where m.lora = ? order by 1",
    ),
    preview: row.preview,
    path: row.path,
    modifiedAt: row.modified_at,
    places: z
      .array(Place)
      .parse(
        database
          .statement(
            "select path, bytes, modified_at as modifiedAt from places where lora = ? order by path",
          )
          .all(seq),
      ),
    aliases: texts("select id from aliases where lora = ? order by 1"),
    blob: row.blob,
    sha256: row.sha256,
    companion: row.companion,
    fingerprint: row.fingerprint,
    norm: row.norm,
    sketch: row.vector === null ? null : Buffer.from(row.vector).toString("base64"),
    rank: { min: row.rank_min, max: row.rank_max },
    modules: row.modules,
    parameters: row.parameters,
    inspection:
      inspection === null
        ? null
        : { ...inspection, metadata: {}, unmatched: inspection.unmatched.slice(0, mostUnmatched) },
    recipe: unpackRecipe(row.record),
  };
}
