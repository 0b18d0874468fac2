/** Preview pictures: made small by the engine, named by their content, disposable. */
import { mkdir, rm } from "node:fs/promises";
import { z } from "zod";
import { failureOf } from "../jobs/failure.ts";
import { blobFile, previewFile } from "./folders.ts";
import type { Records } from "./records.ts";
import type { Lora } from "./rows.ts";
import type { Shelf } from "./shelf.ts";

/** Longest side in pixels: a card at twice the density of the screen. */
const edge = 512;

export class Previews {
  readonly #shelf: Shelf;
  readonly #records: Records;

  constructor(shelf: Shelf, records: Records) {
    this.#shelf = shelf;
    this.#records = records;
  }

  /** The user's own picture for an identity, or none. */
  async set(id: string, picture: string | null): Promise<string | null> {
    const lora = this.#records.require(id);
    const preview = picture === null ? null : await this.#make({ bytes: picture });
    this.#store(lora, preview);
    this.#shelf.changes.made();
    return preview;
  }

  /** Makes the preview that the import found beside a file or inside it. */
  async make(lora: Lora, signal: AbortSignal): Promise<void> {
    let preview: string | null = null;
    try {
      const request =
        lora.picture === "embedded"
          ? { bytes: await this.#embedded(lora, signal) }
          : { path: lora.picture ?? "" };
      if (request.bytes !== null) preview = await this.#make(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = failureOf(error);
      if (code === "disk-full" || code === "engine-unavailable") throw error;
      this.#shelf.log(`No preview for ${lora.name}: ${message}`);
    }
    this.#store(lora, preview);
  }

  async #make(
    request: { path?: string; bytes?: string | null },
    signal?: AbortSignal,
  ): Promise<string> {
    const { path, bytes } = request;
    await mkdir(this.#shelf.folders.previews, { recursive: true });
    const { sha256 } = await this.#shelf.engine.thumbnail(
      {
        ...(path === undefined ? {} : { path }),
        ...(bytes == null ? {} : { bytes }),
        to: this.#shelf.folders.previews,
        edge,
      },
      signal === undefined ? {} : { signal },
    );
    return sha256;
  }

  /** Pictures inside the header are not stored in the database: the header is read once more. */
  async #embedded(lora: Lora, signal: AbortSignal): Promise<string | null> {
    const path = lora.blob === null ? lora.path : blobFile(this.#shelf.folders, lora.blob);
    if (path === null) return null;
    const [scanned] = await this.#shelf.engine.scan({ paths: [path] }, { signal });
    return scanned === undefined || "failure" in scanned
      ? null
      : pictureIn(scanned.inspection.metadata);
  }

  #store(lora: Lora, preview: string | null): void {
    const { database, folders } = this.#shelf;
    database.transaction(() =>
      database
        .statement(
          "update loras set preview = ?, picture = null, unsaved = unsaved + 1 where seq = ?",
        )
        .run(preview, lora.seq),
    );
    const former = lora.preview;
    if (former === null || former === preview) return;
    const used = database.column("select 1 from loras where preview = ? limit 1").get(former);
    if (used === undefined) {
      rm(previewFile(folders, former), { force: true }).catch((error: unknown) =>
        this.#shelf.log(`Could not erase the preview ${former}`, error),
      );
    }
  }
}

const Covers = z.array(z.string()).min(1);

/** Base64 of a picture in the header: ModelSpec's thumbnail, else the first cover that A1111 stores. */
function pictureIn(metadata: Readonly<Record<string, string>>): string | null {
  const thumbnail = /^data:image\/[a-z+]+;base64,(.+)$/is.exec(
    metadata["modelspec.thumbnail"] ?? "",
  );
  if (thumbnail?.[1] !== undefined) return thumbnail[1];
  try {
    return Covers.parse(JSON.parse(metadata["ssmd_cover_images"] ?? ""))[0] ?? null;
  } catch {
    return null;
  }
}
