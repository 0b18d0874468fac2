/** The table of base models: made in a library of the version before it, with a backup, and what it keeps. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connect } from "../../../src-main/library/database.ts";
import { migrations } from "../../../src-main/library/migrations/index.ts";
import { modelIdOf, ModelRows } from "../../../src-main/library/model-rows.ts";
import { openDatabase } from "../../../src-main/library/open.ts";
import { temporaryFolder } from "../../support/library.ts";

const status = {
  path: "/m/a.safetensors",
  stamp: "1",
  bytes: 10,
  modifiedAt: 5.4,
  source: "chosen",
};

it("comes into a library of the version before, after a backup", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "facet.sqlite");
  const before = migrations.findIndex(({ id }) => id === "2026-11-21-models");
  expect(before).toBeGreaterThan(0);
  {
    using old = await openDatabase(file, { migrations: migrations.slice(0, before) });
    old.exec("insert into tags (tag) values ('kept')");
    expect(old.column("select name from sqlite_schema where name like 'model%'").all()).toEqual([]);
  }
  using database = await openDatabase(file);
  expect(database.column("select tag from tags").all()).toEqual(["kept"]);
  const rows = new ModelRows(database);
  expect([rows.all(), rows.places()]).toEqual([[], []]);
  const [backup = ""] = await readdir(join(folder, "backups"));
  using copy = connect(join(folder, "backups", backup));
  expect(copy.pragma("user_version")).toBe(before);
});

it("keeps what the user chose while the file changes, and forgets what was said of its old bytes", async () => {
  using database = await openDatabase(join(await temporaryFolder(), "facet.sqlite"));
  const rows = new ModelRows(database);
  rows.found(status, { kind: "vae" });
  const id = modelIdOf(status.path);
  rows.choose(id, { vae: "/v", textFrom: "other", licence: "mine" });
  rows.choose(id, { licence: undefined, vae: null });
  rows.hashed(id, "1", "abc");
  expect(rows.byId(id)).toMatchObject({
    modifiedAt: 5,
    sha256: "abc",
    vae: null,
    textFrom: "other",
    licence: "mine",
  });
  expect(rows.sourceIfKnown(status.path, "1")).toBe("chosen");
  expect(rows.sourceIfKnown(status.path, "2")).toBeNull();
  rows.found({ ...status, stamp: "2" }, { kind: "other", what: "a LoRA" });
  expect(rows.byId(id)).toMatchObject({
    sha256: null,
    textFrom: "other",
    licence: "mine",
    file: { kind: "other" },
  });
  // Other things are known, so that they are not read again, and never in the way.
  expect(rows.all()).toEqual([]);
  rows.forget(status.path);
  expect(rows.byPath(status.path)).toBeUndefined();
});

it("looks again at what an older Facet saw, or wrote in other words", async () => {
  using database = await openDatabase(join(await temporaryFolder(), "facet.sqlite"));
  const rows = new ModelRows(database);
  rows.found(status, { kind: "vae" });
  database.exec("update models set reader = 0");
  expect(rows.sourceIfKnown(status.path, "1")).toBeNull();
  expect(rows.byPath(status.path)).toMatchObject({ current: false, file: { kind: "vae" } });
  database.exec(`update models set file = '{"kind":"oracle"}'`);
  expect(rows.byPath(status.path)?.file).toBeNull();
});

it("remembers places in the order in which they were named", async () => {
  using database = await openDatabase(join(await temporaryFolder(), "facet.sqlite"));
  const rows = new ModelRows(database);
  for (const path of ["/b", "/a", "/b"]) rows.addPlace(path);
  expect(rows.places().toSorted()).toEqual(["/a", "/b"]);
  expect([rows.removePlace("/b"), rows.removePlace("/b")]).toEqual([true, false]);
});
