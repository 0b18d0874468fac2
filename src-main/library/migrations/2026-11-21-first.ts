/** The first tables: identities, their words, tags, collections, sketches, spaces, jobs and settings. */
import type { Migration } from "./index.ts";

/** Words are found from one, two or three letters on. Pictographs count as letters: people name files with them. */
const wordTable = (name: string) => `
create virtual table ${name} using fts5(
  name, tags, notes, triggers, title, file,
  content = '', contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'",
  prefix = '1 2 3'
);`;

const tables = `
-- One row is one identity. The columns are those that cards, filters and sorting need, so that a pass over
-- 100,000 rows stays short; all else lies in tables of its own.
create table loras (
  seq integer primary key autoincrement,  -- order of arrival: "newest" sorts by it
  id text not null unique,
  kind text not null check (kind in ('file', 'recipe')),
  storage text not null check (storage in ('copied', 'referenced', 'recipe')),
  name text not null,
  sort_name text not null,
  family text not null,
  dialect text not null,
  rank_min integer not null,
  rank_max integer not null,
  modules integer not null,
  parameters integer not null,
  matched integer not null,
  total integer not null,
  bytes integer not null,
  created_at integer not null,
  favourite integer not null default 0,
  rating integer not null default 0 check (rating between 0 and 5),
  preferred_weight real,
  preview text,
  trouble text,
  deleted_at integer,
  state text not null default 'unread' check (state in ('unread', 'read', 'failed')),
  path text,                              -- the user's own file: the original of a copy, or the referenced file
  modified_at integer,                    -- of that file, ms
  sha256 text,                            -- of the file's bytes
  companion text not null default '',     -- sha256 of an adapter_config.json that belongs to it
  blob text,                              -- folder under blobs/, once the copy is there
  fingerprint text,
  picture text,                           -- still to be made small: a path, or 'embedded'
  job text,                               -- the import that brought it
  unsaved integer not null default 1      -- edits not yet in the copy on disk; 0 when there are none
);
create index loras_name on loras (sort_name, seq, id) where deleted_at is null;
create index loras_rating on loras (rating, seq, id) where deleted_at is null;
create index loras_bytes on loras (bytes, seq, id) where deleted_at is null;
create index loras_live on loras (seq) where deleted_at is null;
create index loras_favourite on loras (seq) where favourite = 1 and deleted_at is null;
create index loras_trouble on loras (seq) where trouble is not null and deleted_at is null;
create index loras_trash on loras (seq) where deleted_at is not null;
create index loras_unread on loras (seq) where state = 'unread' and deleted_at is null;
create index loras_pictures on loras (seq) where picture is not null and deleted_at is null;
create index loras_unsaved on loras (seq) where unsaved > 0;
create index loras_same_name on loras (name collate nocase) where deleted_at is null;
create index loras_fingerprint on loras (fingerprint) where fingerprint is not null;
create unique index loras_content on loras (sha256, companion) where sha256 is not null;

create table texts (
  lora integer primary key references loras (seq) on delete cascade,
  notes text not null default '',
  triggers text not null default '[]',    -- JSON list
  title text not null default '',
  file text not null default ''           -- file name without ending
);
create table inspections (
  lora integer primary key references loras (seq) on delete cascade,
  body blob not null                      -- JSON of the contract's Inspection; as bytes, deflated
);
create table sketches (
  lora integer primary key references loras (seq) on delete cascade,
  norm real not null,
  vector blob not null,                   -- 256 float32, little-endian
  version integer not null                -- goes up with every change, so that new ones are found
);
create index sketches_version on sketches (version);
create table recipes (
  lora integer primary key references loras (seq) on delete cascade,
  record text not null                    -- JSON of the contract's RecipeRecord
);
-- Every path under which an identity's file was met, so that it is known again without reading it.
create table places (
  path text primary key,
  lora integer not null references loras (seq) on delete cascade,
  bytes integer not null,
  modified_at integer not null
) without rowid;
create index places_lora on places (lora);
-- Ids of identities that turned out to be the same file as another.
create table aliases (
  id text primary key,
  lora integer not null references loras (seq) on delete cascade
) without rowid;

create table tags (
  id integer primary key,
  tag text not null collate nocase unique,
  count integer not null default 0        -- identities outside the trash; kept by the triggers below
);
create index tags_used on tags (count desc, tag);
create table lora_tags (
  lora integer not null references loras (seq) on delete cascade,
  tag integer not null references tags (id) on delete cascade,
  primary key (lora, tag)
) without rowid;
create index lora_tags_tag on lora_tags (tag, lora);

create table collections (
  seq integer primary key,
  id text not null unique,
  name text not null collate nocase unique,
  count integer not null default 0
);
create table members (
  collection integer not null references collections (seq) on delete cascade,
  lora integer not null references loras (seq) on delete cascade,
  primary key (collection, lora)
) without rowid;
create index members_lora on members (lora, collection);

create trigger lora_tags_added after insert on lora_tags
when (select deleted_at is null from loras where seq = new.lora) begin
  update tags set count = count + 1 where id = new.tag;
end;
create trigger lora_tags_taken after delete on lora_tags
when (select deleted_at is null from loras where seq = old.lora) begin
  update tags set count = count - 1 where id = old.tag;
end;
create trigger members_added after insert on members
when (select deleted_at is null from loras where seq = new.lora) begin
  update collections set count = count + 1 where seq = new.collection;
end;
create trigger members_taken after delete on members
when (select deleted_at is null from loras where seq = old.lora) begin
  update collections set count = count - 1 where seq = old.collection;
end;
create trigger loras_removed after update of deleted_at on loras
when old.deleted_at is null and new.deleted_at is not null begin
  update tags set count = count - 1 where id in (select tag from lora_tags where lora = new.seq);
  update collections set count = count - 1
    where seq in (select collection from members where lora = new.seq);
end;
create trigger loras_restored after update of deleted_at on loras
when old.deleted_at is not null and new.deleted_at is null begin
  update tags set count = count + 1 where id in (select tag from lora_tags where lora = new.seq);
  update collections set count = count + 1
    where seq in (select collection from members where lora = new.seq);
end;

create table spaces (
  seq integer primary key,
  id text not null unique,
  name text not null,
  kind text not null,
  form text not null,
  family text not null,
  modules integer not null,
  members integer not null,
  dimension integer not null,
  components integer not null,
  rank integer not null,
  created_at integer not null,
  bytes integer not null,
  fingerprint text not null,
  file text not null,                     -- relative to the library folder where it lies inside
  deleted_at integer
);
create index spaces_fingerprint on spaces (fingerprint);
create table space_components (
  space integer not null references spaces (seq) on delete cascade,
  position integer not null,
  name text not null default '',
  starred integer not null default 0,
  primary key (space, position)
) without rowid;

create table jobs (
  seq integer primary key autoincrement,
  id text not null unique,
  kind text not null,
  title text not null,
  state text not null check (
    state in ('queued', 'running', 'paused', 'done', 'failed', 'cancelled', 'interrupted')
  ),
  done real not null default 0,
  total real not null default 0,
  unit text not null default '',
  step text not null default '',
  started_at integer,
  finished_at integer,
  data text not null,
  checkpoint text,
  failure text,
  result text,
  owner text,                             -- the process that runs it
  heartbeat integer not null default 0    -- when that process last said so, ms
);
create index jobs_open on jobs (kind) where state in ('queued', 'running', 'paused');

create table settings (key text primary key, value text not null) without rowid;
create table remembered (key text primary key, value text not null) without rowid;
`;

export const first: Migration = {
  id: "2026-11-21-first",
  dependsOn: null,
  up(database) {
    database.exec(tables);
    // Two indexes: what lies in the trash is searched on its own and costs nothing when it is not.
    database.exec(wordTable("words"));
    database.exec(wordTable("trash_words"));
  },
};
