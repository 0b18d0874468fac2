/** Facet killed in the middle of an import, fifty times: the library opens each time, whole, and goes on. */
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connect } from "../../../src-main/library/database.ts";
import { writeFakeLora } from "../../support/fake-engine.ts";
import { temporaryFolder, testLibrary } from "../../support/library.ts";

const kills = 50;
const files = 400;
/** Later than this after its first word a process is not in the middle any more. */
const longestMs = 160;

it("survives being killed while it imports", async () => {
  const root = await temporaryFolder();
  for (let seed = 0; seed < files; seed++) {
    await writeFakeLora(join(root, "files", `l${seed}.safetensors`), { seed, padding: seed * 50 });
  }
  let before = 0;
  for (let kill = 0; kill < kills; kill++) {
    await killAfter(root, ((kill * 37) % 50) * (longestMs / 50));
    using database = connect(join(root, "library", "facet.sqlite"));
    expect(database.pragma("integrity_check")).toBe("ok");
    expect(database.column("pragma foreign_key_check").all()).toEqual([]);
    // No half identity: every row has its words, its header, its place and, once read, its sketch and its copy.
    for (const table of ["texts", "inspections", "words_docsize"]) {
      const key = table === "words_docsize" ? "id" : "lora";
      const sql = `select count(*) from loras where seq not in (select ${key} from ${table})
          and deleted_at is null`;
      expect(database.column(sql).get(), table).toBe(0);
    }
    const halfRead = `select count(*) from loras where state = 'read'
        and (sha256 is null or blob is null or seq not in (select lora from sketches))`;
    expect(database.column(halfRead).get()).toBe(0);
    const tags = `select count(*) from tags t where count <> (select count(*) from lora_tags x
        join loras l on l.seq = x.lora where x.tag = t.id and l.deleted_at is null)`;
    expect(database.column(tags).get()).toBe(0);
    const all = Number(database.column("select count(*) from loras").get());
    expect(all).toBeGreaterThanOrEqual(before);
    before = all;
  }
  const { library, import: bring } = await testLibrary(root);
  expect(before).toBeGreaterThan(0);
  await library.restore(library.ids({ view: "trash" }));
  await bring([join(root, "files")], "copy");
  await library.settled();
  expect(library.overview()).toMatchObject({ all: files, unread: 0, trouble: 0, trash: 0 });
  for (const id of library.ids({})) {
    const { path, sha256 } = library.get(id);
    expect(path).toContain(sha256);
  }
  // Every copy belongs to a row, and the originals are all there.
  const shards = await readdir(join(root, "library", "blobs"));
  const copies = await Promise.all(
    shards.map((shard) => readdir(join(root, "library", "blobs", shard))),
  );
  expect(copies.flat()).toHaveLength(files);
  expect(await readdir(join(root, "files"))).toHaveLength(files);
}, 110_000);

async function killAfter(root: string, ms: number): Promise<void> {
  const script = join(import.meta.dirname, "..", "..", "support", "import-and-die.ts");
  const child = spawn(process.execPath, [script, root], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once("exit", (_, signal) => resolve(signal)),
  );
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), ms));
  expect(await ended).toBe("SIGKILL");
}
