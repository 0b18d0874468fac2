/** Identities as rows: put in, looked up, changed. */
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import type { Changes as Edit, Details } from "../../src-preload/contract/library.ts";
import type { Inspection } from "../../src-preload/contract/lora.ts";
import type { RecipeRecord } from "../../src-preload/contract/recipe.ts";
import type { Database } from "./database.ts";
import { blobFile } from "./folders.ts";
import { newId } from "./ids.ts";
import { sortName, stemOf } from "./names.ts";
import {
  cardColumns,
  type Lora,
  loraColumns,
  packInspection,
  parseTexts,
  sketchBytes,
  toCard,
  toLora,
  unpackInspection,
  unpackRecipe,
} from "./rows.ts";
import type { Shelf } from "./shelf.ts";
import { inSlices } from "./slices.ts";
import { addTags, removeTags } from "./tags.ts";
import { indexWords } from "./words.ts";

/** What the user (or a sidecar, or a file of an earlier library) says about an identity. */
export interface Said {
  readonly name: string;
  readonly favourite?: boolean;
  readonly rating?: number;
  readonly notes?: string;
  readonly triggerWords?: readonly string[];
  readonly preferredWeight?: number | null;
  readonly tags?: readonly string[];
}

export interface NewFile extends Said {
  readonly id?: string;
  readonly path: string;
  readonly modifiedAt: number;
  readonly storage: "copied" | "referenced";
  readonly inspection: Inspection;
  readonly recipe?: RecipeRecord | null;
  /** A picture still to be made small: its path, or `embedded`. */
  readonly picture?: string | null;
  readonly job?: string | null;
  readonly createdAt?: number;
}

export interface NewRecipe extends Said {
  readonly id?: string;
  readonly record: RecipeRecord;
  readonly rank: { readonly min: number; readonly max: number };
  readonly modules: number;
  readonly parameters: number;
  readonly sketch: string;
  readonly norm: number;
  readonly preview?: string | null;
  readonly createdAt?: number;
}

const Extra = z.object({
  storage: z.enum(["copied", "referenced", "recipe"]),
  path: z.string().nullable(),
  blob: z.string().nullable(),
  sha256: z.string().nullable(),
  preferred_weight: z.number().nullable(),
  notes: z.string(),
  triggers: z.string(),
  body: z.unknown(),
  record: z.unknown(),
});

/** Why an identity needs a look, from its header; null where all is well. */
export function troubleOf(inspection: Inspection): string | null {
  const { matched, total, needsBase } = inspection;
  if (needsBase.length > 0 && needsBase.every((kind) => kind === "dora"))
    return "For pictures only: a DoRA cannot be blended or take part in a space";
  if (needsBase.length > 0)
    return `Cannot be used without its base model (${needsBase.join(", ")})`;
  if (matched < total) return `${total - matched} of ${total} keys were not understood`;
  return null;
}

export class Records {
  readonly #shelf: Shelf;
  readonly #database: Database;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
    this.#database = shelf.database;
  }

  /** By id, in the trash or not; also by an id that was merged into another. */
  find(id: string): Lora | undefined {
    const row =
      this.#database.statement(`select ${loraColumns} from loras l where l.id = ?`).get(id) ??
      this.#database
        .statement(
          `select ${loraColumns} from loras l join aliases a on a.lora = l.seq where a.id = ?`,
        )
        .get(id);
    return row === undefined ? undefined : toLora(row);
  }

  require(id: string): Lora {
    const lora = this.find(id);
    if (lora !== undefined) return lora;
    throw new FacetError("not-found", `There is no identity ${id} in the library.`, {
      field: "id",
    });
  }

  bySeq(seq: number): Lora | undefined {
    const row = this.#database
      .statement(`select ${loraColumns} from loras l where l.seq = ?`)
      .get(seq);
    return row === undefined ? undefined : toLora(row);
  }

  /** An identity by its matrices, the oldest outside the trash first. */
  byFingerprint(fingerprint: string): Lora | undefined {
    const row = this.#database
      .statement(
        `select ${loraColumns} from loras l where fingerprint = ? order by deleted_at is not null, seq limit 1`,
      )
      .get(fingerprint);
    return row === undefined ? undefined : toLora(row);
  }

  details(id: string): Details {
    const { seq } = this.require(id);
    const row = this.#database
      .statement(
        `select ${cardColumns}, l.storage, l.path, l.blob, l.sha256, l.preferred_weight, t.notes, t.triggers,
           i.body, r.record
         from loras l join texts t on t.lora = l.seq
           left join inspections i on i.lora = l.seq left join recipes r on r.lora = l.seq
         where l.seq = ?`,
      )
      .get(seq);
    const extra = Extra.parse(row);
    const collections = this.#database
      .column(
        "select c.id from members m join collections c on c.seq = m.collection where m.lora = ?",
      )
      .all(seq);
    return {
      ...toCard(row),
      storage: extra.storage,
      path: extra.blob === null ? extra.path : blobFile(this.#shelf.folders, extra.blob),
      sha256: extra.sha256,
      notes: extra.notes,
      triggerWords: parseTexts(extra.triggers),
      preferredWeight: extra.preferred_weight,
      collections: collections.map(String),
      inspection: unpackInspection(extra.body),
      recipe: unpackRecipe(extra.record),
    };
  }

  /** Call inside a transaction. */
  insertFile(file: NewFile): { seq: number; id: string } {
    const { inspection } = file;
    const inserted = this.#insert({
      ...file,
      kind: "file",
      family: inspection.family,
      dialect: inspection.dialect,
      rank: inspection.rank,
      modules: inspection.modules,
      parameters: inspection.parameters,
      matched: inspection.matched,
      total: inspection.total,
      bytes: inspection.bytes,
      title: inspection.title ?? "",
      file: stemOf(file.path),
      trouble: troubleOf(inspection),
      state: "unread",
      path: file.path,
      modifiedAt: file.modifiedAt,
      fingerprint: null,
      picture: file.picture ?? null,
      preview: null,
      job: file.job ?? null,
    });
    this.#database
      .statement("insert into inspections (lora, body) values (?, ?)")
      .run(inserted.seq, packInspection(inspection));
    if (file.recipe != null) this.#insertRecord(inserted.seq, file.recipe);
    this.notePlace(inserted.seq, file.path, inspection.bytes, file.modifiedAt);
    return inserted;
  }

  /** Call inside a transaction. */
  insertRecipe(recipe: NewRecipe): { seq: number; id: string } {
    const { record } = recipe;
    const inserted = this.#insert({
      ...recipe,
      kind: "recipe",
      storage: "recipe",
      family: record.family,
      dialect: "recipe",
      matched: recipe.modules,
      total: recipe.modules,
      bytes: Buffer.byteLength(JSON.stringify(record)),
      title: "",
      file: "",
      trouble: null,
      state: "read",
      path: null,
      modifiedAt: null,
      fingerprint: record.fingerprint,
      picture: null,
      preview: recipe.preview ?? null,
      job: null,
    });
    this.#insertRecord(inserted.seq, record);
    this.setSketch(inserted.seq, recipe.sketch, recipe.norm);
    return inserted;
  }

  /** The file under a row has changed: its header is taken anew, all that was read from it is forgotten. */
  replaceFile(seq: number, inspection: Inspection, modifiedAt: number): void {
    const { rank } = inspection;
    this.#database
      .statement(
        `update loras set family = ?, dialect = ?, rank_min = ?, rank_max = ?, modules = ?, parameters = ?,
           matched = ?, total = ?, bytes = ?, modified_at = ?, trouble = ?, state = 'unread', sha256 = null, data_sha256 = null,
           companion = '', fingerprint = null, unsaved = unsaved + 1 where seq = ?`,
      )
      .run(
        inspection.family,
        inspection.dialect,
        rank.min,
        rank.max,
        inspection.modules,
        inspection.parameters,
        inspection.matched,
        inspection.total,
        inspection.bytes,
        Math.round(modifiedAt),
        troubleOf(inspection),
        seq,
      );
    this.#database.statement("delete from sketches where lora = ?").run(seq);
    this.#database
      .statement("update inspections set body = ? where lora = ?")
      .run(packInspection(inspection), seq);
  }

  setSketch(seq: number, sketch: string, norm: number): void {
    this.#database
      .statement(
        `insert or replace into sketches (lora, norm, vector, version)
         values (?, ?, ?, 1 + coalesce((select max(version) from sketches), 0))`,
      )
      .run(seq, norm, sketchBytes(sketch));
  }

  /** Remembers that the identity's file lies (also) here. */
  notePlace(seq: number, path: string, bytes: number, modifiedAt: number): void {
    this.#database
      .statement(
        "insert or replace into places (path, lora, bytes, modified_at) values (?, ?, ?, ?)",
      )
      .run(path, seq, bytes, Math.round(modifiedAt));
  }

  /** Notes an edit that the copy on disk does not have yet. */
  touch(seq: number): void {
    this.#database.statement("update loras set unsaved = unsaved + 1 where seq = ?").run(seq);
  }

  async update(ids: readonly string[], edit: Edit): Promise<number> {
    if (ids.length === 1) this.require(ids[0] as string);
    const count = await inSlices(this.#database, ids, (id) => {
      const lora = this.find(id);
      if (lora !== undefined) this.#edit(lora.seq, edit);
      return lora !== undefined;
    });
    this.#shelf.changes.made();
    return count;
  }

  #edit(seq: number, edit: Edit): void {
    const set = (column: string, value: unknown, table = "loras", key = "seq") =>
      this.#database
        .statement(`update ${table} set ${column} = ? where ${key} = ?`)
        .run(value, seq);
    if (edit.name !== undefined) {
      set("name", edit.name);
      set("sort_name", sortName(edit.name));
    }
    if (edit.favourite !== undefined) set("favourite", edit.favourite ? 1 : 0);
    if (edit.rating !== undefined) set("rating", edit.rating);
    if (edit.preferredWeight !== undefined) set("preferred_weight", edit.preferredWeight);
    if (edit.notes !== undefined) set("notes", edit.notes, "texts", "lora");
    if (edit.triggerWords !== undefined) {
      set("triggers", JSON.stringify(edit.triggerWords), "texts", "lora");
    }
    if (edit.addTags !== undefined) addTags(this.#database, seq, edit.addTags);
    if (edit.removeTags !== undefined) removeTags(this.#database, seq, edit.removeTags);
    this.touch(seq);
    const worded = edit.name ?? edit.notes ?? edit.triggerWords ?? edit.addTags ?? edit.removeTags;
    if (worded !== undefined) indexWords(this.#database, seq);
  }

  #insertRecord(seq: number, record: RecipeRecord): void {
    this.#database
      .statement("insert into recipes (lora, record) values (?, ?)")
      .run(seq, JSON.stringify(record));
  }

  #insert(row: RowOf): { seq: number; id: string } {
    const id = row.id ?? newId();
    const { lastInsertRowid } = this.#database
      .statement(
        `insert into loras (id, kind, storage, name, sort_name, family, dialect, rank_min, rank_max, modules,
           parameters, matched, total, bytes, created_at, favourite, rating, preferred_weight, preview, trouble,
           state, path, modified_at, fingerprint, picture, job)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        row.kind,
        row.storage,
        row.name,
        sortName(row.name),
        row.family,
        row.dialect,
        row.rank.min,
        row.rank.max,
        row.modules,
        row.parameters,
        row.matched,
        row.total,
        row.bytes,
        row.createdAt ?? Date.now(),
        row.favourite === true ? 1 : 0,
        row.rating ?? 0,
        row.preferredWeight ?? null,
        row.preview,
        row.trouble,
        row.state,
        row.path,
        row.modifiedAt === null ? null : Math.round(row.modifiedAt),
        row.fingerprint,
        row.picture,
        row.job,
      );
    const seq = Number(lastInsertRowid);
    this.#database
      .statement("insert into texts (lora, notes, triggers, title, file) values (?, ?, ?, ?, ?)")
      .run(seq, row.notes ?? "", JSON.stringify(row.triggerWords ?? []), row.title, row.file);
    if (row.tags !== undefined) addTags(this.#database, seq, row.tags);
    indexWords(this.#database, seq);
    return { seq, id };
  }
}

interface RowOf extends Said {
  readonly id?: string;
  readonly kind: Lora["kind"];
  readonly storage: Lora["storage"];
  readonly family: string;
  readonly dialect: string;
  readonly rank: { readonly min: number; readonly max: number };
  readonly modules: number;
  readonly parameters: number;
  readonly matched: number;
  readonly total: number;
  readonly bytes: number;
  readonly createdAt?: number;
  readonly title: string;
  readonly file: string;
  readonly trouble: string | null;
  readonly state: Lora["state"];
  readonly path: string | null;
  readonly modifiedAt: number | null;
  readonly fingerprint: string | null;
  readonly picture: string | null;
  readonly preview: string | null;
  readonly job: string | null;
}
