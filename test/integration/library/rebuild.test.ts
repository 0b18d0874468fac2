/** The database lost: everything comes back from the files of the library. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Details } from "../../../src-preload/contract/library.ts";
import type { RecipeRecord } from "../../../src-preload/contract/recipe.ts";
import { fakeSketch, writeFakeLora } from "../../support/fake-engine.ts";
import { testLibrary, type TestLibrary } from "../../support/library.ts";

const record: RecipeRecord = {
  version: 1,
  facet: "0.1.0",
  name: "Blend",
  family: "sdxl",
  recipe: {
    kind: "delta-blend",
    parents: [{ parent: { id: "p", name: "anna" }, weight: 1 }],
    rank: 8,
  },
  fingerprint: "made here",
};

async function everything({ library, files, import: bring }: TestLibrary): Promise<void> {
  const copied = join(files, "copied");
  const referenced = join(files, "referenced");
  for (let seed = 0; seed < 12; seed++) {
    const folder = seed < 6 ? copied : referenced;
    await writeFakeLora(join(folder, `l${seed}.safetensors`), {
      seed,
      rank: 4 + seed,
      padding: seed,
    });
  }
  await writeFakeLora(join(copied, "again", "l0.safetensors"), { seed: 0, rank: 4 });
  await writeFile(join(copied, "l1.png"), "picture");
  await mkdir(join(copied, "peft"));
  await writeFakeLora(join(copied, "peft", "adapter_model.safetensors"), { seed: 77 });
  await writeFile(join(copied, "peft", "adapter_config.json"), "{}");
  await bring([copied], "copy");
  await bring([referenced], "reference");
  await library.settled();
  expect(library.list({ view: "trouble" }).cards).toEqual([]);
  library.addRecipe(record, {
    sketch: Buffer.from(fakeSketch({ seed: 500 }).buffer).toString("base64"),
    norm: 3,
    rank: { min: 8, max: 8 },
    modules: 10,
    parameters: 8000,
    tags: ["made"],
  });
  library.createCollection("Empty");
  const faces = library.createCollection("Faces");
  const ids = library.ids({ sort: "oldest" });
  for (const [index, id] of ids.entries()) {
    await library.update([id], {
      name: `Nr. ${index} "quoted" 🎨`,
      notes: `notes\nof ${index}`,
      rating: index % 6,
      favourite: index % 3 === 0,
      triggerWords: ["sks", `w${index}`],
      preferredWeight: index / 10,
      addTags: [`t${index % 4}`],
    });
    if (index % 2 === 0) await library.addToCollection(faces.id, [id]);
  }
  await library.remove(ids.slice(4, 6));
  library.spaces.insert({
    id: "space1",
    name: "Faces",
    form: "delta",
    family: "sdxl",
    modules: 3,
    members: 12,
    dimension: 100,
    components: 5,
    rank: 8,
    bytes: 6,
    fingerprint: "space's",
    file: library.spaces.fileOf("space1"),
  });
  await writeFile(library.spaces.fileOf("space1"), "tensor");
  library.spaces.describe("space1", 2, { name: "smile", starred: true });
}

function snapshot({ library }: TestLibrary) {
  const details = (view: "all" | "trash"): Details[] =>
    library.ids({ view, sort: "oldest" }).map((id) => library.get(id));
  return {
    live: details("all"),
    trash: details("trash"),
    overview: library.overview(),
    spaces: library.spaces.list(),
    sources: library.ids({}).map((id) => library.sourceOf(id)),
    fingerprints: library.ids({}).map((id) => library.fingerprintOf(id)),
  };
}

describe("rebuilding", () => {
  it("makes the same library again from its folders", async () => {
    const first = await testLibrary();
    await mkdir(join(first.library.folder, "spaces"), { recursive: true });
    await everything(first);
    const before = snapshot(first);
    expect(before.live).toHaveLength(12);
    const neighbour = (await first.library.similar(before.live[0]?.id ?? "", 3)).map(
      ({ card }) => card.id,
    );
    await first.close();
    const root = join(first.files, "..");
    for (const end of ["", "-wal", "-shm"]) {
      await rm(join(first.library.folder, `facet.sqlite${end}`), { force: true });
    }
    const second = await testLibrary(root);
    expect(second.library.list({}).total).toBe(0);
    const job = await second.jobs.ended(second.library.rebuild());
    expect(job).toMatchObject({
      state: "done",
      result: { restored: 14, spaces: 1, failed: [], missing: 0 },
    });
    expect(snapshot(second)).toEqual(before);
    expect(second.library.overview().unread).toBe(0);
    const again = (await second.library.similar(before.live[0]?.id ?? "", 3)).map(
      ({ card }) => card.id,
    );
    expect(again).toEqual(neighbour);
    // Known again: neither path nor content makes a second identity; what lay in the trash comes back.
    const result = await second.import([second.files]);
    expect(result.imported.map(({ id }) => id)).toEqual(before.trash.map(({ id }) => id));
    expect(second.library.overview()).toMatchObject({ all: 14, trash: 0, unread: 0 });
    expect(second.library.ids({ query: '"notes of 3"' })).toHaveLength(1);
  });

  it("changes nothing where nothing is amiss, and runs twice", async () => {
    const made = await testLibrary();
    await mkdir(join(made.library.folder, "spaces"), { recursive: true });
    await everything(made);
    const before = snapshot(made);
    for (let round = 0; round < 2; round++) {
      const job = await made.jobs.ended(made.library.rebuild());
      expect(job.result).toMatchObject({ restored: 0, missing: 0 });
      expect(snapshot(made)).toEqual(before);
    }
  });

  it("says what is gone, and finds copies that lost their record", async () => {
    const made = await testLibrary();
    for (let seed = 0; seed < 4; seed++) {
      await writeFakeLora(join(made.files, `l${seed}.safetensors`), { seed, padding: seed });
    }
    await made.import([made.files], "copy");
    await made.library.settled();
    const [gone = "", bare = ""] = made.library.ids({ sort: "name" });
    const goneFolder = join(made.library.get(gone).path ?? "", "..");
    const bareFolder = join(made.library.get(bare).path ?? "", "..");
    await rm(goneFolder, { recursive: true });
    await made.jobs.ended(made.library.rebuild());
    expect(made.library.get(gone).trouble).toContain("gone");
    await made.close();

    await rm(join(bareFolder, "facet.json"));
    await rm(join(made.library.folder, "facet.sqlite"), { force: true });
    const second = await testLibrary(join(made.files, ".."));
    await second.jobs.ended(second.library.rebuild());
    await second.library.settled();
    expect(second.library.list({}).total).toBe(3);
    expect(second.library.overview()).toMatchObject({ unread: 0, trouble: 0 });
    const paths = second.library.ids({}).map((id) => second.library.get(id).path ?? "");
    expect(paths.map((path) => join(path, ".."))).toContain(bareFolder);
  });

  it("does not bring back what was erased", async () => {
    const made = await testLibrary();
    for (const [index, storage] of (["copy", "reference"] as const).entries()) {
      const folder = join(made.files, storage);
      await writeFakeLora(join(folder, "a.safetensors"), { seed: index });
      await made.import([folder], storage);
    }
    await made.library.settled();
    await made.library.remove(made.library.ids({}));
    await made.library.emptyTrash();
    await made.close();
    const left = await readdir(join(made.library.folder, "references"));
    expect(left).toEqual([]);
    await rm(join(made.library.folder, "facet.sqlite"), { force: true });
    const second = await testLibrary(join(made.files, ".."));
    await second.jobs.ended(second.library.rebuild());
    expect(second.library.overview()).toMatchObject({ all: 0, trash: 0 });
  });

  it("writes records that a person can read, beside the copies", async () => {
    const made = await testLibrary();
    const path = await writeFakeLora(join(made.files, "anna.safetensors"), { seed: 1 });
    const { imported } = await made.import([path], "copy");
    await made.library.settled();
    await made.library.update([imported[0]?.id ?? ""], { notes: "seen" });
    await made.library.settled();
    const folder = join(made.library.get(imported[0]?.id ?? "").path ?? "", "..");
    const text = await readFile(join(folder, "facet.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ version: 1, name: "anna", notes: "seen", path });
  });
});
