/** Keeps the hash of a copied file's tensors: an export that writes the same tensors need not hash them again. */
import type { Migration } from "./index.ts";

export const dataHash: Migration = {
  id: "2026-11-21-data-hash",
  dependsOn: "2026-11-21-first",
  up(database) {
    // SHA-256 of everything behind the header; null where it was not computed yet.
    database.exec("alter table loras add column data_sha256 text");
  },
};
