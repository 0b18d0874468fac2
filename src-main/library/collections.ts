/** Named collections of identities. Counts are kept by the database. */
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import { Collection } from "../../src-preload/contract/library.ts";
import { newId } from "./ids.ts";
import type { Mirror } from "./mirror.ts";
import type { Records } from "./records.ts";
import type { Shelf } from "./shelf.ts";
import { inSlices } from "./slices.ts";

const Row = z.object({ seq: z.int(), id: z.string(), name: z.string(), count: z.int() });

export class Collections {
  readonly #shelf: Shelf;
  readonly #records: Records;
  readonly #mirror: Mirror;

  constructor(shelf: Shelf, records: Records, mirror: Mirror) {
    this.#shelf = shelf;
    this.#records = records;
    this.#mirror = mirror;
  }

  list(): Collection[] {
    const rows = this.#shelf.database
      .statement("select id, name, count from collections order by name")
      .all();
    return z.array(Collection).parse(rows);
  }

  require(id: string): z.infer<typeof Row> {
    const row = this.#shelf.database
      .statement("select seq, id, name, count from collections where id = ?")
      .get(id);
    if (row !== undefined) return Row.parse(row);
    throw new FacetError("not-found", `There is no collection ${id}.`, { field: "collection" });
  }

  create(name: string): Collection {
    this.#checkName(name);
    const id = newId();
    this.#shelf.database
      .statement("insert into collections (id, name) values (?, ?)")
      .run(id, name);
    return this.#changed(id);
  }

  rename(id: string, name: string): Collection {
    this.require(id);
    this.#checkName(name, id);
    this.#shelf.database.statement("update collections set name = ? where id = ?").run(name, id);
    return this.#changed(id);
  }

  async remove(id: string): Promise<boolean> {
    const { seq } = this.require(id);
    // Members first and in slices: 100,000 of them in one statement would hold everything up.
    await inSlices(this.#shelf.database, this.#members(seq), (lora) => {
      this.#take(seq, lora);
    });
    this.#shelf.database.statement("delete from collections where seq = ?").run(seq);
    this.#mirror.collectionsChanged();
    this.#shelf.changes.made();
    return true;
  }

  async add(id: string, ids: readonly string[]): Promise<Collection> {
    const { seq } = this.require(id);
    await inSlices(this.#shelf.database, ids, (lora) => {
      const found = this.#records.find(lora);
      if (found !== undefined) this.join(seq, found.seq);
    });
    return this.#changed(id);
  }

  async removeFrom(id: string, ids: readonly string[]): Promise<Collection> {
    const { seq } = this.require(id);
    await inSlices(this.#shelf.database, ids, (lora) => {
      const found = this.#records.find(lora);
      if (found !== undefined) this.#take(seq, found.seq);
    });
    return this.#changed(id);
  }

  /** One member, by row. Call inside a transaction. */
  join(collection: number, lora: number): void {
    const { changes } = this.#shelf.database
      .statement("insert or ignore into members (collection, lora) values (?, ?)")
      .run(collection, lora);
    if (changes > 0) this.#records.touch(lora);
  }

  #take(collection: number, lora: number): void {
    const { changes } = this.#shelf.database
      .statement("delete from members where collection = ? and lora = ?")
      .run(collection, lora);
    if (changes > 0) this.#records.touch(lora);
  }

  #members(collection: number): number[] {
    return this.#shelf.database
      .column("select lora from members where collection = ?")
      .all(collection)
      .map(Number);
  }

  #checkName(name: string, except = ""): void {
    const taken = this.#shelf.database
      .column("select 1 from collections where name = ? and id <> ?")
      .get(name, except);
    if (taken === undefined) return;
    throw new FacetError("already-exists", `There is a collection named "${name}" already.`, {
      field: "name",
    });
  }

  #changed(id: string): Collection {
    this.#mirror.collectionsChanged();
    this.#shelf.changes.made();
    const { name, count } = this.require(id);
    return { id, name, count };
  }
}
