/** Tags, collections, the trash: counts stay true, everything can be undone, originals are never touched. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeFakeLora } from "../../support/fake-engine.ts";
import { testLibrary, type TestLibrary } from "../../support/library.ts";

async function filled(
  count: number,
  storage: "copy" | "reference" = "reference",
): Promise<TestLibrary & { ids: string[] }> {
  const made = await testLibrary();
  for (let seed = 0; seed < count; seed++) {
    await writeFakeLora(join(made.files, `l${seed}.safetensors`), { seed, padding: seed });
  }
  await made.import([made.files], storage);
  return { ...made, ids: made.library.ids({ sort: "name" }) };
}

describe("the trash", () => {
  it("takes and gives back everything that belongs to an identity", async () => {
    const { library, ids } = await filled(3);
    const [id = ""] = ids;
    const collection = library.createCollection("Faces");
    await library.addToCollection(collection.id, [id]);
    await library.update([id], { addTags: ["woman"], notes: "kept", rating: 5, favourite: true });
    await library.settled();
    const before = library.get(id);
    expect(await library.remove([id, id])).toBe(1);
    expect(library.list({}).total).toBe(2);
    expect(library.list({ collection: collection.id }).total).toBe(0);
    expect(library.overview()).toMatchObject({
      all: 2,
      trash: 1,
      favourites: 0,
      tags: [],
      collections: [{ count: 0 }],
    });
    expect(await library.restore([id])).toBe(1);
    expect(library.get(id)).toEqual(before);
    expect(library.overview()).toMatchObject({
      all: 3,
      trash: 0,
      favourites: 1,
      tags: [{ tag: "woman", count: 1 }],
      collections: [{ count: 1 }],
    });
  });

  it("erases copies and pictures when it is emptied, and no original", async () => {
    const { library, ids, files } = await filled(3, "copy");
    await library.settled();
    const [kept = "", gone = ""] = ids;
    const picture = Buffer.from("one picture for both").toString("base64");
    await library.setPreview(kept, picture);
    await library.setPreview(gone, picture);
    const copy = library.get(gone).path ?? "";
    await library.remove([gone]);
    expect(existsSync(copy)).toBe(true);
    expect(await library.emptyTrash()).toBe(1);
    expect(existsSync(copy)).toBe(false);
    expect(existsSync(library.get(kept).path ?? "")).toBe(true);
    expect(existsSync(library.previewFile(kept) ?? "")).toBe(true);
    expect(await readdir(files)).toHaveLength(3);
    expect(library.has(gone)).toBe(false);
    expect(() => library.get(gone)).toThrow(/no identity/);
    await expect(library.restore([gone])).rejects.toMatchObject({ code: "not-found" });
    expect(library.overview()).toMatchObject({ all: 2, trash: 0 });
  });

  it("never erases a file that the library only refers to", async () => {
    const { library, ids, files } = await filled(3);
    await library.settled();
    await library.remove(ids);
    expect(await library.emptyTrash()).toBe(3);
    expect(await readdir(files)).toHaveLength(3);
  });
});

describe("counts", () => {
  it("agree with what is there, whatever was done before", async () => {
    const { library, ids, files, import: bring } = await filled(6);
    const collection = library.createCollection("Faces");
    const some = fc.subarray(ids, { minLength: 1 });
    const tags = fc.subarray(["a", "B", "c d"], { minLength: 1 });
    const step = fc.oneof(
      fc.tuple(fc.constant("tag" as const), some, tags),
      fc.tuple(fc.constant("untag" as const), some, tags),
      fc.tuple(fc.constant("remove" as const), some, tags),
      fc.tuple(fc.constant("restore" as const), some, tags),
      fc.tuple(fc.constant("join" as const), some, tags),
      fc.tuple(fc.constant("leave" as const), some, tags),
      fc.tuple(fc.constant("empty" as const), some, tags),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        for (const [what, wanted, names] of steps) {
          const present = wanted.filter((id) => library.has(id));
          if (present.length === 0) await bring([files]);
          else if (what === "tag") await library.update(present, { addTags: names });
          else if (what === "untag") await library.update(present, { removeTags: names });
          else if (what === "remove") await library.remove(present);
          else if (what === "restore") await library.restore(present);
          else if (what === "join") await library.addToCollection(collection.id, present);
          else if (what === "leave") await library.removeFromCollection(collection.id, present);
          else await library.emptyTrash();
        }
        const { cards, total } = library.list({});
        const overview = library.overview();
        expect(overview.all).toBe(total);
        expect(overview.trash).toBe(library.ids({ view: "trash" }).length);
        expect(overview.bytes).toBe(cards.reduce((sum, card) => sum + card.bytes, 0));
        const counted = new Map<string, number>();
        for (const tag of cards.flatMap((card) => card.tags)) {
          counted.set(tag, (counted.get(tag) ?? 0) + 1);
        }
        expect(Object.fromEntries(overview.tags.map(({ tag, count }) => [tag, count]))).toEqual(
          Object.fromEntries(counted),
        );
        for (const tag of counted.keys()) {
          expect(library.list({ query: `tag:"${tag}"` }).total).toBe(counted.get(tag));
        }
        expect(overview.collections[0]?.count).toBe(
          library.ids({ collection: collection.id }).length,
        );
      }),
      { numRuns: 30 },
    );
  });
});

describe("collections", () => {
  it("are named once, renamed, emptied and removed without their members", async () => {
    const { library, ids } = await filled(3);
    const faces = library.createCollection("Faces");
    expect(() => library.createCollection("FACES")).toThrow(/already/);
    expect(await library.addToCollection(faces.id, [...ids, ...ids])).toMatchObject({ count: 3 });
    expect(await library.removeFromCollection(faces.id, ids.slice(0, 1))).toMatchObject({
      count: 2,
    });
    expect(library.renameCollection(faces.id, "faces")).toMatchObject({ name: "faces", count: 2 });
    expect(library.get(ids[1] ?? "").collections).toEqual([faces.id]);
    expect(await library.removeCollection(faces.id)).toBe(true);
    expect(library.list({}).total).toBe(3);
    expect(library.get(ids[1] ?? "").collections).toEqual([]);
    await expect(library.addToCollection(faces.id, ids)).rejects.toMatchObject({
      code: "not-found",
    });
  });
});

describe("settings and what pages remember", () => {
  it("are kept, with defaults for what was never set", async () => {
    const made = await testLibrary();
    const settings = made.library.settings();
    expect(settings).toMatchObject({ theme: "dark", storage: "copy" });
    made.library.saveSettings({ ...settings, theme: "light", folders: ["/loras"] });
    made.library.remember("explore", { sliders: [1, 2] });
    await made.close();
    const again = await testLibrary(join(made.files, ".."));
    expect(again.library.settings()).toEqual({ ...settings, theme: "light", folders: ["/loras"] });
    expect(again.library.recall("explore")).toEqual({ sliders: [1, 2] });
    expect(again.library.recall("blend")).toBeNull();
    expect(() => again.library.remember("large", "x".repeat(2_000_000))).toThrow(/1048576/);
  });
});

describe("watching", () => {
  it("tells of many changes at once, and of another process's", async () => {
    const { library, ids, files } = await filled(3);
    const stop = new AbortController();
    const seen = library.watch(stop.signal);
    const first = (await seen.next()).value?.revision ?? 0;
    for (let i = 0; i < 50; i++) await library.update(ids, { rating: i % 6 });
    const second = (await seen.next()).value?.revision ?? 0;
    expect(second).toBeGreaterThanOrEqual(first + 50);
    const other = await testLibrary(join(files, ".."));
    other.library.createCollection("From elsewhere");
    expect((await seen.next()).value?.revision).toBeGreaterThan(second);
    expect(library.overview().collections).toMatchObject([{ name: "From elsewhere" }]);
    stop.abort();
    expect((await seen.next()).done).toBe(true);
  });
});
