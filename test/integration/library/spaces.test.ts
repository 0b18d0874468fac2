/** Spaces and identities made here, as rows. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { RecipeRecord } from "../../../src-preload/contract/recipe.ts";
import { fakeSketch, writeFakeLora } from "../../support/fake-engine.ts";
import { testLibrary } from "../../support/library.ts";

const about = {
  name: "Faces",
  form: "aligned",
  family: "sdxl",
  modules: 3,
  members: 12,
  dimension: 100,
  components: 5,
  rank: 8,
  bytes: 6,
  fingerprint: "print",
} as const;

it("keeps spaces, what is said of their components, and brings removed ones back", async () => {
  const { library } = await testLibrary();
  const { spaces } = library;
  const file = spaces.fileOf("s1");
  const space = spaces.insert({ ...about, id: "s1", file });
  expect(space).toMatchObject({ ...about, id: "s1", kind: "pca", file, available: false });
  await mkdir(join(library.folder, "spaces"), { recursive: true });
  await writeFile(file, "tensor");
  expect(spaces.get("s1").available).toBe(true);
  expect(spaces.describe("s1", 2, { name: "smile" })).toEqual({
    index: 2,
    name: "smile",
    starred: false,
  });
  expect(spaces.describe("s1", 2, { starred: true })).toEqual({
    index: 2,
    name: "smile",
    starred: true,
  });
  expect(spaces.describe("s1", 2, { name: "" })).toEqual({ index: 2, name: "", starred: true });
  expect(() => spaces.describe("s1", 5, {})).toThrow(/0 to 4/);
  expect(spaces.rename("s1", "People").name).toBe("People");
  const newer = spaces.insert({ ...about, file: spaces.fileOf("s2"), id: "s2" });
  expect(spaces.list().map(({ id }) => id)).toEqual(["s2", "s1"]);
  expect(spaces.byFingerprint("print")?.id).toBe(newer.id);
  spaces.remove("s2");
  expect(spaces.list().map(({ id }) => id)).toEqual(["s1"]);
  expect(spaces.byFingerprint("print")?.id).toBe("s1");
  expect(spaces.get("s2").deletedAt).not.toBeNull();
  spaces.restore("s2");
  expect(spaces.list()).toHaveLength(2);
  expect(spaces.find("s3")).toBeUndefined();
  expect(() => spaces.get("s3")).toThrow(/no space s3/);
});

it("keeps what was made here, with its parents' trigger words and a name of its own", async () => {
  const { library, files, import: bring } = await testLibrary();
  await writeFakeLora(join(files, "anna.safetensors"), { seed: 1, triggerWords: ["sks"] });
  await writeFakeLora(join(files, "bert.safetensors"), { seed: 2, triggerWords: ["brt", "sks"] });
  const { imported } = await bring([files]);
  await library.settled();
  const parents = imported.map(({ id, name }) => ({ parent: { id, name }, weight: 0.5 }));
  const record: RecipeRecord = {
    version: 1,
    facet: "0.1.0",
    name: "anna",
    family: "sdxl",
    recipe: { kind: "delta-blend", parents, rank: 8 },
    fingerprint: "made",
  };
  const sketch = fakeSketch({ seed: 1, like: { seed: 2, share: 0.5 } });
  const id = library.addRecipe(record, {
    sketch: Buffer.from(sketch.buffer).toString("base64"),
    norm: 2,
    rank: { min: 8, max: 8 },
    modules: 10,
    parameters: 80,
    tags: ["made"],
  });
  expect(library.get(id)).toMatchObject({
    name: "anna 2",
    kind: "recipe",
    storage: "recipe",
    path: null,
    tags: ["made"],
    triggerWords: ["sks", "brt"],
    recipe: record,
  });
  expect(library.sourceOf(id)).toEqual({ kind: "recipe", record });
  expect(library.byFingerprint("made")).toBe(id);
  expect(library.fingerprintOf(id)).toBe("made");
  expect(library.ids({ query: "is:recipe" })).toEqual([id]);
  expect(await library.similar(id, 5)).toHaveLength(2);
  await library.remove([id]);
  // Still there for what was made from it.
  expect(library.sourceOf(id)).toEqual({ kind: "recipe", record });
  await library.emptyTrash();
  expect(library.byFingerprint("made")).toBeNull();
});
