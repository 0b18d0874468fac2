/** Staged deletes: what is removed lies in the trash, whole, until the trash is emptied. */
import { rm } from "node:fs/promises";
import { blobFolder, isInside, previewFile, recipeFile } from "./folders.ts";
import type { Mirror } from "./mirror.ts";
import type { Records } from "./records.ts";
import { type Lora, loraColumns, toLora } from "./rows.ts";
import type { Shelf } from "./shelf.ts";
import { inSlices } from "./slices.ts";
import { forgetWords, moveWords } from "./words.ts";

export class Trash {
  readonly #shelf: Shelf;
  readonly #records: Records;
  readonly #mirror: Mirror;

  constructor(shelf: Shelf, records: Records, mirror: Mirror) {
    this.#shelf = shelf;
    this.#records = records;
    this.#mirror = mirror;
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (ids.length === 1) this.#records.require(ids[0] as string);
    const now = Date.now();
    return this.#each(ids, (lora) => lora.deleted_at === null && this.#move(lora.seq, now));
  }

  async restore(ids: readonly string[]): Promise<number> {
    if (ids.length === 1) this.#records.require(ids[0] as string);
    return this.#each(ids, (lora) => lora.deleted_at !== null && this.restoreRow(lora.seq));
  }

  /** Out of the trash again. Call inside a transaction. */
  restoreRow(seq: number): boolean {
    return this.#move(seq, null);
  }

  /**
   * Erases the rows in the trash, their copies, recipes and pictures. A file that the library only refers to is
   * the user's own and stays.
   */
  async empty(): Promise<number> {
    const erased: Lora[] = [];
    const page = this.#shelf.database.statement(
      `select ${loraColumns} from loras l where l.deleted_at is not null order by l.seq limit 200`,
    );
    for (let rows = page.all(); rows.length > 0; rows = page.all()) {
      await inSlices(this.#shelf.database, rows.map(toLora), (lora) => {
        // It may have been restored since the page was read.
        const gone = this.#shelf.database
          .statement("delete from loras where seq = ? and deleted_at is not null")
          .run(lora.seq);
        if (gone.changes === 0) return;
        forgetWords(this.#shelf.database, lora.seq);
        erased.push(lora);
      });
    }
    this.#shelf.changes.made();
    // Rows first, files after: a crash between the two leaves a file without a row, which `rebuild` finds.
    for (const lora of erased) await this.#eraseFiles(lora);
    await this.#mirror.forget(erased.filter((lora) => lora.storage === "referenced"));
    return erased.length;
  }

  async #eraseFiles(lora: Lora): Promise<void> {
    const { database, folders } = this.#shelf;
    const unused = (column: "blob" | "preview" | "path", value: string) =>
      database.column(`select 1 from loras where ${column} = ? limit 1`).get(value) === undefined;
    const paths: string[] = [];
    if (lora.blob !== null && unused("blob", lora.blob)) paths.push(blobFolder(folders, lora.blob));
    if (lora.preview !== null && unused("preview", lora.preview)) {
      paths.push(previewFile(folders, lora.preview));
    }
    if (lora.kind === "recipe") paths.push(recipeFile(folders, lora.id));
    // An upload that was never copied lies in the library's own staging folder: nobody else has it.
    if (lora.path !== null && isInside(folders.staging, lora.path) && unused("path", lora.path)) {
      paths.push(lora.path);
    }
    for (const path of paths) {
      try {
        await rm(path, { recursive: true, force: true });
      } catch (error) {
        this.#shelf.log(`Could not erase ${path}`, error);
      }
    }
  }

  async #each(ids: readonly string[], work: (lora: Lora) => boolean): Promise<number> {
    const count = await inSlices(this.#shelf.database, ids, (id) => {
      const lora = this.#records.find(id);
      return lora !== undefined && work(lora);
    });
    if (count > 0) this.#shelf.changes.made();
    return count;
  }

  #move(seq: number, deletedAt: number | null): boolean {
    this.#shelf.database
      .statement("update loras set deleted_at = ?, unsaved = unsaved + 1 where seq = ?")
      .run(deletedAt, seq);
    moveWords(this.#shelf.database, seq, deletedAt === null ? "library" : "trash");
    return true;
  }
}
