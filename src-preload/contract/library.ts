/** The library as pages and commands see it: cards, details, collections, imports, deletes with undo. */
import { eventIterator, oc } from "@orpc/contract";
import { z } from "zod";
import { CollectionId, Family, JobId, LoraId, Rank } from "./common.ts";
import { Inspection } from "./lora.ts";
import { RecipeRecord } from "./recipe.ts";

export const Card = z.object({
  id: LoraId,
  name: z.string(),
  kind: z.enum(["file", "recipe"]),
  family: Family,
  dialect: z.string(),
  rank: Rank,
  modules: z.int(),
  matched: z.int(),
  total: z.int(),
  favourite: z.boolean(),
  rating: z.int().min(0).max(5),
  tags: z.array(z.string()),
  bytes: z.int(),
  createdAt: z.int(),
  /** Content hash of the preview picture, for the picture route; null where there is none. */
  preview: z.string().nullable(),
  /** Why this one needs a look: unread keys, a vanished file, an unreadable one. Null where all is well. */
  trouble: z.string().nullable(),
});
export type Card = z.infer<typeof Card>;

export const Details = Card.extend({
  /** Where the original lies: inside the library (`copied`) or where the user keeps it (`referenced`). */
  storage: z.enum(["copied", "referenced", "recipe"]),
  path: z.string().nullable(),
  sha256: z.string().nullable(),
  notes: z.string(),
  triggerWords: z.array(z.string()),
  preferredWeight: z.number().nullable(),
  collections: z.array(CollectionId),
  inspection: Inspection.nullable(),
  recipe: RecipeRecord.nullable(),
});
export type Details = z.infer<typeof Details>;

export const Changes = z.object({
  name: z.string().trim().min(1).max(200).optional(),
  favourite: z.boolean().optional(),
  rating: z.int().min(0).max(5).optional(),
  notes: z.string().max(20_000).optional(),
  triggerWords: z.array(z.string().trim().min(1).max(200)).max(100).optional(),
  preferredWeight: z.number().min(-10).max(10).nullable().optional(),
  addTags: z.array(z.string().trim().min(1).max(100)).max(100).optional(),
  removeTags: z.array(z.string()).max(100).optional(),
});
export type Changes = z.infer<typeof Changes>;

export const Sort = z.enum(["newest", "oldest", "name", "rating", "size"]);
export type Sort = z.infer<typeof Sort>;

export const Filter = z.object({
  /** Words, and terms such as `rank>8`, `family:sdxl`, `tag:woman`, `is:favourite`, `is:recipe`, `is:trouble`. */
  query: z.string().max(500).default(""),
  collection: CollectionId.optional(),
  view: z.enum(["all", "favourites", "trouble", "trash"]).default("all"),
  sort: Sort.default("newest"),
});
export type Filter = z.input<typeof Filter>;

export const Neighbour = z.object({ card: Card, similarity: z.number() });
export type Neighbour = z.infer<typeof Neighbour>;

export const Collection = z.object({ id: CollectionId, name: z.string(), count: z.int() });
export type Collection = z.infer<typeof Collection>;

export const Overview = z.object({
  all: z.int(),
  favourites: z.int(),
  trouble: z.int(),
  trash: z.int(),
  bytes: z.int(),
  collections: z.array(Collection),
  tags: z.array(z.object({ tag: z.string(), count: z.int() })),
  /** Files whose content was not hashed or sketched yet; goes to 0 in the background. */
  unread: z.int(),
});
export type Overview = z.infer<typeof Overview>;

const Imported = Card.pick({
  id: true,
  name: true,
  dialect: true,
  family: true,
  modules: true,
  matched: true,
  total: true,
}).extend({ path: z.string() });
export const Skipped = z.object({
  path: z.string(),
  reason: z.string(),
  code: z.string(),
  /** The identity that the file already is, where that is the reason. */
  id: LoraId.optional(),
});
/** The result of an import job. Long lists are cut; the counts never are. */
export const ImportResult = z.object({
  imported: z.array(Imported),
  skipped: z.array(Skipped),
  importedCount: z.int(),
  skippedCount: z.int(),
});
export type ImportResult = z.infer<typeof ImportResult>;

export const Storage = z.enum(["copy", "reference"]);
const Ids = z.array(LoraId).min(1).max(100_000);

export const library = {
  list: oc
    .input(
      Filter.extend({
        offset: z.int().min(0).default(0),
        limit: z.int().min(1).max(1000).default(200),
      }),
    )
    .output(z.object({ total: z.int(), cards: z.array(Card) })),
  /** All ids that a filter matches, in order: for select all, fit, export. */
  ids: oc.input(Filter).output(z.array(LoraId)),
  get: oc.input(z.object({ id: LoraId })).output(Details),
  update: oc.input(z.object({ ids: Ids, changes: Changes })).output(z.object({ updated: z.int() })),
  import: oc
    .input(
      z.object({
        paths: z.array(z.string().min(1)).min(1),
        storage: Storage.optional(),
        collection: CollectionId.optional(),
      }),
    )
    .output(z.object({ job: JobId })),
  inspect: oc.input(z.object({ path: z.string().min(1) })).output(Inspection),
  /** Moves to the trash; `restore` undoes it. Nothing is erased before `emptyTrash`. */
  remove: oc.input(z.object({ ids: Ids })).output(z.object({ removed: z.int() })),
  restore: oc.input(z.object({ ids: Ids })).output(z.object({ restored: z.int() })),
  emptyTrash: oc.output(z.object({ erased: z.int() })),
  similar: oc
    .input(z.object({ id: LoraId, limit: z.int().min(1).max(200).default(12) }))
    .output(z.array(Neighbour)),
  duplicates: oc
    .input(z.object({ threshold: z.number().min(0).max(1).default(0.98) }))
    .output(z.array(z.array(Neighbour))),
  overview: oc.output(Overview),
  createCollection: oc
    .input(z.object({ name: z.string().trim().min(1).max(200) }))
    .output(Collection),
  renameCollection: oc
    .input(z.object({ id: CollectionId, name: z.string().trim().min(1).max(200) }))
    .output(Collection),
  removeCollection: oc
    .input(z.object({ id: CollectionId }))
    .output(z.object({ removed: z.boolean() })),
  addToCollection: oc.input(z.object({ id: CollectionId, ids: Ids })).output(Collection),
  removeFromCollection: oc.input(z.object({ id: CollectionId, ids: Ids })).output(Collection),
  setPreview: oc
    .input(z.object({ id: LoraId, picture: z.base64().max(30_000_000).nullable() }))
    .output(z.object({ preview: z.string().nullable() })),
  rebuild: oc.output(z.object({ job: JobId })),
  /** Fires whenever rows changed; pages ask again for what they show. */
  watch: oc.output(eventIterator(z.object({ revision: z.int() }))),
};
