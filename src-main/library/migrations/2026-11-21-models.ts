/** Base models on disk: what their headers said, so that a start reads none of them again, and what the user chose. */
import type { Migration } from "./index.ts";

const tables = `
-- One row is one path, among them files that turned out to be no models: those are not looked into again either.
create table models (
  path text primary key,
  id text not null unique,                -- of the path
  stamp text not null default '',         -- sizes and times of its files when it was looked into
  bytes integer not null default 0,
  modified_at integer not null default 0, -- ms
  source text not null default '',        -- where it was found last, in words
  kind text not null default '',          -- of what it turned out to be; '' where it was never looked into
  file text,                              -- JSON of the contract's ModelFile; null where it was never looked into
  reader integer not null default 0,      -- version of what looked into it
  sha256 text,
  hashed_stamp text,                      -- the stamp of what was hashed
  vae text,                               -- chosen by the user, as are the next two
  text_from text,                         -- id of another row
  licence text,
  used_at integer                         -- ms, of its last picture
) without rowid;
create index models_shown on models (path) where kind <> 'other';
-- Files and folders that the user named.
create table model_places (path text primary key, added_at integer not null) without rowid;
`;

export const models: Migration = {
  id: "2026-11-21-models",
  dependsOn: "2026-11-21-data-hash",
  up(database) {
    database.exec(tables);
  },
};
