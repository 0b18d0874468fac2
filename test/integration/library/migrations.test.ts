/** The library's file: made, opened again, brought forward with a backup, refused where it is not ours or newer. */
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, type Database } from "../../../src-main/library/database.ts";
import { openLibrary } from "../../../src-main/library/library.ts";
import { applicationId } from "../../../src-main/library/migrate.ts";
import { type Migration, migrations } from "../../../src-main/library/migrations/index.ts";
import { openDatabase } from "../../../src-main/library/open.ts";
import { fakeEngine } from "../../support/fake-engine.ts";
import { temporaryFolder } from "../../support/library.ts";

const second: Migration = {
  id: "2030-01-01-second",
  dependsOn: migrations.at(-1)?.id ?? null,
  up(database) {
    database.exec("alter table loras add column colour text");
    database.exec("update loras set colour = 'grey'");
  },
};

function insert(database: Database): void {
  database.exec(`insert into loras (id, kind, storage, name, sort_name, family, dialect, rank_min, rank_max,
    modules, parameters, matched, total, bytes, created_at)
    values ('a', 'file', 'referenced', 'Anna', 'anna', 'sdxl', 'peft', 4, 4, 1, 1, 1, 1, 1, 1)`);
}

describe("a library's file", () => {
  it("is made with its identity, and opened again without a change", async () => {
    const file = join(await temporaryFolder(), "facet.sqlite");
    {
      using database = await openDatabase(file);
      insert(database);
      expect(database.pragma("application_id")).toBe(applicationId);
      expect(database.pragma("user_version")).toBe(migrations.length);
      expect(database.pragma("journal_mode")).toBe("wal");
      expect(database.pragma("foreign_keys")).toBe(1);
    }
    using again = await openDatabase(file);
    expect(again.column("select name from loras").all()).toEqual(["Anna"]);
    expect(await readdir(join(file, ".."))).not.toContain("backups");
  });

  it("is brought forward from each earlier version, after a backup that is the version before", async () => {
    for (let from = 1; from <= migrations.length; from++) {
      const folder = await temporaryFolder();
      const file = join(folder, "facet.sqlite");
      {
        using old = await openDatabase(file, { migrations: migrations.slice(0, from) });
        if (from === 1) insert(old);
      }
      {
        using newer = await openDatabase(file, { migrations: [...migrations, second] });
        expect(newer.pragma("user_version")).toBe(migrations.length + 1);
        expect(newer.column("select colour from loras").all()).toEqual(from === 1 ? ["grey"] : []);
        expect(newer.pragma("integrity_check")).toBe("ok");
        expect(newer.column("select id from migrations order by rowid").all()).toEqual(
          [...migrations, second].map(({ id }) => id),
        );
      }
      const [backup = ""] = await readdir(join(folder, "backups"));
      using before = connect(join(folder, "backups", backup));
      expect(before.pragma("user_version")).toBe(from);
      expect(before.column("select name from loras").all()).toEqual(from === 1 ? ["Anna"] : []);
    }
  });

  it("stays as it was when a migration fails", async () => {
    const file = join(await temporaryFolder(), "facet.sqlite");
    (await openDatabase(file)).close();
    const failing: Migration = {
      ...second,
      up(database) {
        second.up(database);
        throw new Error("half way");
      },
    };
    await expect(openDatabase(file, { migrations: [...migrations, failing] })).rejects.toThrow(
      "half way",
    );
    using same = await openDatabase(file);
    expect(same.pragma("user_version")).toBe(migrations.length);
    const columns = same.column("select name from pragma_table_info('loras')").all();
    expect(columns).not.toContain("colour");
  });

  it("keeps three backups, the newest", async () => {
    const folder = await temporaryFolder();
    const backups = join(folder, "backups");
    await mkdir(backups);
    for (const [version, year] of [
      [9, 2021],
      [10, 2022],
      [2, 2023],
      [11, 2024],
    ]) {
      await writeFile(join(backups, `facet-${version}-${year}-01-01T00-00-00.000Z.sqlite`), "");
    }
    await writeFile(join(backups, "mine.sqlite"), "not touched");
    const file = join(folder, "facet.sqlite");
    (await openDatabase(file)).close();
    (await openDatabase(file, { migrations: [...migrations, second] })).close();
    const names = (await readdir(backups)).toSorted();
    expect(names).toHaveLength(4);
    expect(names).toContain("mine.sqlite");
    expect(names.filter((name) => /-(2021|2022)-/.test(name))).toEqual([]);
  });

  it("is refused by name where it is newer, and not touched", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "facet.sqlite");
    (await openDatabase(file, { migrations: [...migrations, second] })).close();
    const error = await openDatabase(file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "FacetError", code: "newer-version", path: file });
    expect(String(error)).toContain(`version ${migrations.length + 1}`);
    expect(String(error)).toContain(`up to ${migrations.length}`);
    await expect(openLibrary({ folder, engine: fakeEngine() })).rejects.toMatchObject({
      code: "newer-version",
    });
    using same = await openDatabase(file, { migrations: [...migrations, second] });
    expect(same.pragma("user_version")).toBe(migrations.length + 1);
  });

  it("is refused where it went another way", async () => {
    const file = join(await temporaryFolder(), "facet.sqlite");
    const other = { ...second, id: "2029-09-09-elsewhere" };
    (await openDatabase(file, { migrations: [...migrations, other] })).close();
    await expect(openDatabase(file, { migrations: [...migrations, second] })).rejects.toThrow(
      /2029-09-09-elsewhere.*2030-01-01-second/,
    );
  });

  it("is refused where it is another program's, damaged or a folder", async () => {
    const folder = await temporaryFolder();
    const foreign = join(folder, "foreign.sqlite");
    {
      using database = connect(foreign);
      database.exec("create table things (x)");
    }
    await expect(openDatabase(foreign)).rejects.toMatchObject({
      code: "malformed",
      field: "application_id",
    });
    using untouched = connect(foreign);
    expect(untouched.column("select name from sqlite_schema").all()).toEqual(["things"]);
    expect(untouched.pragma("journal_mode")).toBe("delete");

    const damaged = join(folder, "damaged.sqlite");
    await writeFile(
      damaged,
      "this was a database once, and now it is a text of some length".repeat(40),
    );
    await expect(openDatabase(damaged)).rejects.toMatchObject({ code: "malformed", path: damaged });

    await mkdir(join(folder, "folder.sqlite"));
    await expect(openDatabase(join(folder, "folder.sqlite"))).rejects.toMatchObject({
      code: "not-writable",
    });
    await copyFile(damaged, join(folder, "file"));
    await expect(openDatabase(join(folder, "file", "facet.sqlite"))).rejects.toMatchObject({
      code: "not-writable",
    });
  });
});
