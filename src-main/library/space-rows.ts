/** Latent spaces as rows: what they are called and where their files lie. */
import { existsSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import { Family, Form } from "../../src-preload/contract/common.ts";
import type { Space } from "../../src-preload/contract/spaces.ts";
import type { Database } from "./database.ts";
import { isInside } from "./folders.ts";
import { newId } from "./ids.ts";
import type { Shelf } from "./shelf.ts";

const columns = {
  id: z.string(),
  name: z.string(),
  kind: z.literal("pca"),
  form: Form,
  family: Family,
  modules: z.int(),
  members: z.int(),
  dimension: z.int(),
  components: z.int(),
  rank: z.int(),
  created_at: z.int(),
  bytes: z.int(),
  fingerprint: z.string(),
  file: z.string(),
  deleted_at: z.int().nullable(),
};
const Row = z.object({ seq: z.int(), ...columns });
type Row = z.infer<typeof Row>;
const select = `select seq, ${Object.keys(columns).join(", ")} from spaces`;

const Description = z.object({ index: z.int(), name: z.string(), starred: z.boolean() });
/** What the user says of a component. */
export type Description = z.infer<typeof Description>;

/** The copy of a row that lies beside the space's file. */
export const SpaceRecord = z.object({
  version: z.literal(1),
  ...columns,
  descriptions: z.array(Description),
});
export type SpaceRecord = z.infer<typeof SpaceRecord>;

export interface NewSpace extends Omit<Space, "id" | "createdAt" | "available" | "kind"> {
  readonly id?: string;
  /** Where its file lies. */
  readonly file: string;
}

export interface StoredSpace extends Space {
  /** Absolute path of its file. */
  readonly file: string;
  readonly deletedAt: number | null;
  readonly descriptions: readonly Description[];
}

export class SpaceRows {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** An id to name the file by, before the row exists. */
  newId(): string {
    return newId();
  }

  /** Path of a space's file inside the library. */
  fileOf(id: string): string {
    return join(this.#shelf.folders.spaces, `${id}.safetensors`);
  }

  insert(space: NewSpace): StoredSpace {
    const id = space.id ?? newId();
    insertSpace(this.#shelf.database, {
      version: 1,
      id,
      name: space.name,
      kind: "pca",
      form: space.form,
      family: space.family,
      modules: space.modules,
      members: space.members,
      dimension: space.dimension,
      components: space.components,
      rank: space.rank,
      created_at: Date.now(),
      bytes: space.bytes,
      fingerprint: space.fingerprint,
      file: this.#stored(space.file),
      deleted_at: null,
      descriptions: [],
    });
    this.#shelf.changes.made();
    return this.get(id);
  }

  /** Newest first, without the removed ones. */
  list(): StoredSpace[] {
    return this.#shelf.database
      .statement(`${select} where deleted_at is null order by seq desc`)
      .all()
      .map((row) => this.#toSpace(Row.parse(row)));
  }

  find(id: string): StoredSpace | undefined {
    const row = this.#shelf.database.statement(`${select} where id = ?`).get(id);
    return row === undefined ? undefined : this.#toSpace(Row.parse(row));
  }

  /** Also a removed one: what was made in it can still be made again. */
  get(id: string): StoredSpace {
    const space = this.find(id);
    if (space !== undefined) return space;
    throw new FacetError("missing-space", `There is no space ${id} in the library.`, {
      field: "space",
    });
  }

  byFingerprint(fingerprint: string): StoredSpace | undefined {
    const row = this.#shelf.database
      .statement(
        `${select} where fingerprint = ? order by deleted_at is not null, seq desc limit 1`,
      )
      .get(fingerprint);
    return row === undefined ? undefined : this.#toSpace(Row.parse(row));
  }

  rename(id: string, name: string): StoredSpace {
    return this.#change(id, "name", name);
  }

  describe(
    id: string,
    index: number,
    change: { name?: string | undefined; starred?: boolean | undefined },
  ): Description {
    const { descriptions, components } = this.get(id);
    if (index >= components) {
      throw new FacetError(
        "invalid-argument",
        `The space has components 0 to ${components - 1}; there is no ${index}.`,
        { field: "index" },
      );
    }
    const before = descriptions.find((description) => description.index === index);
    const name = change.name ?? before?.name ?? "";
    const starred = change.starred ?? before?.starred ?? false;
    describe(this.#shelf.database, this.#seq(id), { index, name, starred });
    this.#shelf.changes.made();
    return { index, name, starred };
  }

  /** The row is kept, so that it can come back and so that recipes made in it still work. */
  remove(id: string): StoredSpace {
    return this.#change(id, "deleted_at", Date.now());
  }

  restore(id: string): StoredSpace {
    return this.#change(id, "deleted_at", null);
  }

  #change(id: string, column: "name" | "deleted_at", value: unknown): StoredSpace {
    this.get(id);
    this.#shelf.database.statement(`update spaces set ${column} = ? where id = ?`).run(value, id);
    this.#shelf.changes.made();
    return this.get(id);
  }

  #seq(id: string): number {
    return Number(this.#shelf.database.column("select seq from spaces where id = ?").get(id));
  }

  #stored(file: string): string {
    const { root } = this.#shelf.folders;
    return isInside(root, file) ? relative(root, file) : file;
  }

  #toSpace(row: Row): StoredSpace {
    const { seq, created_at: createdAt, deleted_at: deletedAt, file: stored, ...space } = row;
    const file = isAbsolute(stored) ? stored : join(this.#shelf.folders.root, stored);
    return {
      ...space,
      createdAt,
      deletedAt,
      file,
      available: existsSync(file),
      descriptions: descriptionsOf(this.#shelf.database, seq),
    };
  }
}

/** Puts a row in as it was told. */
export function insertSpace(database: Database, record: SpaceRecord): void {
  database.transaction(() => {
    const names = Object.keys(columns) as (keyof typeof columns)[];
    const { lastInsertRowid } = database
      .statement(
        `insert into spaces (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`,
      )
      .run(...names.map((name) => record[name]));
    for (const description of record.descriptions) {
      describe(database, Number(lastInsertRowid), description);
    }
  });
}

/** Every space as the text of its record. */
export function spaceRecords(database: Database): { id: string; text: string }[] {
  return database
    .statement(select)
    .all()
    .map((value) => {
      const { seq, ...row } = Row.parse(value);
      const record: SpaceRecord = {
        version: 1,
        ...row,
        descriptions: descriptionsOf(database, seq),
      };
      return { id: row.id, text: `${JSON.stringify(record, null, 1)}\n` };
    });
}

function describe(database: Database, seq: number, { index, name, starred }: Description): void {
  database
    .statement(
      "insert or replace into space_components (space, position, name, starred) values (?, ?, ?, ?)",
    )
    .run(seq, index, name, starred ? 1 : 0);
}

function descriptionsOf(database: Database, seq: number): Description[] {
  return database
    .statement(
      'select position as "index", name, starred from space_components where space = ? order by position',
    )
    .all(seq)
    .map((row) => {
      const { starred, ...rest } = z
        .object({ index: z.int(), name: z.string(), starred: z.int() })
        .parse(row);
      return { ...rest, starred: starred === 1 };
    });
}
