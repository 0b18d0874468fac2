/** Bringing files in: good and bad, copied and referenced, twice, moved, vanished. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeFakeLora } from "../../support/fake-engine.ts";
import { testLibrary } from "../../support/library.ts";

describe("import", () => {
  it("takes the good files of a folder and says why it skips the others", async () => {
    const { library, files, import: bring } = await testLibrary();
    await writeFakeLora(join(files, "anna.safetensors"), { seed: 1, rank: 4 });
    await writeFakeLora(join(files, "deep", "er", "bert.pt"), { seed: 2, family: "sd15" });
    await writeFile(join(files, "broken.safetensors"), "no json");
    await writeFile(join(files, "other.safetensors"), "{}");
    await writeFile(join(files, "readme.txt"), "not a LoRA, and nobody says so");
    await mkdir(join(files, ".hidden"));
    await writeFakeLora(join(files, ".hidden", "secret.safetensors"), { seed: 3 });
    const result = await bring([
      files,
      join(files, "nowhere.safetensors"),
      join(files, "readme.txt"),
    ]);
    expect(result.imported.map(({ name }) => name).toSorted()).toEqual(["anna", "bert"]);
    expect(result.importedCount).toBe(2);
    expect(
      result.skipped.map(({ path, code }) => `${path.slice(files.length + 1)} ${code}`).toSorted(),
    ).toEqual([
      "broken.safetensors malformed",
      "nowhere.safetensors not-found",
      "other.safetensors not-a-lora",
      "readme.txt unsupported",
    ]);
    for (const { path, reason } of result.skipped) expect(reason).toContain(path);
    const { total, cards } = library.list({ sort: "name" });
    expect(total).toBe(2);
    expect(cards[0]).toMatchObject({ name: "anna", family: "sdxl", rank: { min: 4, max: 4 } });
  });

  it("leaves referenced files alone and copies the others by content, originals untouched", async () => {
    const { library, files, import: bring } = await testLibrary();
    const path = await writeFakeLora(join(files, "näme with 'quotes' 🎨.safetensors"), { seed: 1 });
    const before = await readFile(path);
    const { imported } = await bring([path], "copy");
    await library.settled();
    const details = library.get(imported[0]?.id ?? "");
    expect(details).toMatchObject({ storage: "copied", name: "näme with 'quotes' 🎨" });
    expect(details.path).toContain(
      join("blobs", details.sha256?.slice(0, 2) ?? "?", details.sha256 ?? "?"),
    );
    expect(await readFile(details.path ?? "")).toEqual(before);
    expect(await readFile(path)).toEqual(before);
    await rm(path);
    expect(library.sourceOf(details.id)).toEqual({ kind: "file", path: details.path });
  });

  it("knows a file again by its path, size and time, without reading it", async () => {
    const { library, engine, files, import: bring } = await testLibrary();
    const path = await writeFakeLora(join(files, "anna.safetensors"), { seed: 1 });
    await bring([path]);
    await library.settled();
    const calls = { ...engine.calls };
    const again = await bring([files]);
    expect(again.imported).toEqual([]);
    expect(again.skipped).toMatchObject([{ path, code: "already-exists" }]);
    expect(engine.calls).toEqual(calls);
  });

  it("makes one identity of the same content under two names, and keeps what was said of either", async () => {
    const { library, files, import: bring } = await testLibrary();
    await writeFakeLora(join(files, "a", "anna.safetensors"), { seed: 1 });
    await writeFakeLora(join(files, "b", "copy.safetensors"), { seed: 1 });
    const { imported } = await bring([files]);
    const [first, second] = imported.map(({ id }) => id) as [string, string];
    await library.update([first], { addTags: ["woman"] });
    await library.update([second], { addTags: ["portrait"], rating: 4 });
    await library.settled();
    expect(library.list({ view: "trouble" }).cards).toEqual([]);
    expect(library.list({}).total).toBe(1);
    // Whichever was read first stays; the other's id leads to it.
    expect(library.get(first)).toEqual(library.get(second));
    expect(library.get(first)).toMatchObject({ tags: ["portrait", "woman"], rating: 4 });
    expect(library.overview().tags).toEqual([
      { tag: "portrait", count: 1 },
      { tag: "woman", count: 1 },
    ]);
    const again = await bring([files]);
    expect(again.skippedCount).toBe(2);
  });

  it("follows a referenced file that was moved", async () => {
    const { library, files, import: bring } = await testLibrary();
    const old = await writeFakeLora(join(files, "anna.safetensors"), { seed: 1 });
    const { imported } = await bring([old]);
    const id = imported[0]?.id ?? "";
    await library.update([id], { name: "Anna K." });
    await library.settled();
    const moved = join(files, "sorted", "anna.safetensors");
    await mkdir(join(files, "sorted"));
    await rename(old, moved);
    await bring([moved]);
    await library.settled();
    expect(library.list({}).total).toBe(1);
    expect(library.get(id)).toMatchObject({ name: "Anna K.", path: moved, trouble: null });
  });

  it("renews a referenced file that was changed", async () => {
    const { library, files, import: bring } = await testLibrary();
    const path = await writeFakeLora(join(files, "anna.safetensors"), { seed: 1, rank: 4 });
    const { imported } = await bring([path]);
    const id = imported[0]?.id ?? "";
    await library.settled();
    const before = library.get(id).sha256;
    await writeFakeLora(path, { seed: 2, rank: 16 });
    await utimes(path, 1, 1);
    expect((await bring([path])).imported).toMatchObject([{ id }]);
    await library.settled();
    expect(library.get(id)).toMatchObject({ rank: { min: 16, max: 16 } });
    expect(library.get(id).sha256).not.toBe(before);
    expect(library.list({}).total).toBe(1);
  });

  it("keeps both of two files that claim the same name", async () => {
    const { files, import: bring } = await testLibrary();
    for (const [index, folder] of ["a", "b", "c"].entries()) {
      await writeFakeLora(join(files, folder, "Anna.safetensors"), { seed: index });
    }
    await writeFakeLora(join(files, "d", "anna.safetensors"), { seed: 9 });
    const { imported } = await bring([files]);
    expect(imported.map(({ name }) => name)).toEqual(["Anna", "Anna 2", "Anna 3", "anna 4"]);
  });

  it("names trainers' generic files after their folder, and gives them their adapter_config.json", async () => {
    const { library, files, import: bring } = await testLibrary();
    for (const [index, name] of ["anna", "bert"].entries()) {
      // The same matrices, other scales: two identities.
      await writeFakeLora(join(files, name, "adapter_model.safetensors"), { seed: 1 });
      await writeFile(join(files, name, "adapter_config.json"), `{"lora_alpha": ${index + 1}}`);
    }
    const { imported } = await bring([files], "copy");
    expect(imported.map(({ name }) => name)).toEqual(["anna", "bert"]);
    await library.settled();
    expect(library.list({}).total).toBe(2);
    for (const [index, { id }] of imported.entries()) {
      const { path } = library.get(id);
      expect(await readFile(join(path ?? "", "..", "adapter_config.json"), "utf8")).toBe(
        `{"lora_alpha": ${index + 1}}`,
      );
    }
  });

  it("goes on when a folder vanishes, and when the engine falls over one file", async () => {
    const { library, engine, files, import: bring } = await testLibrary();
    for (let i = 0; i < 150; i++) {
      const folder = i < 100 ? "gone" : "here";
      await writeFakeLora(join(files, folder, `l${String(i).padStart(3, "0")}.safetensors`), {
        seed: i,
      });
    }
    let scans = 0;
    engine.before = async (what, path) => {
      if (what === "scan" && ++scans === 30) await rm(join(files, "gone"), { recursive: true });
      if (what === "scan" && path.includes("l120")) throw new Error("the engine stopped");
    };
    const result = await bring([files]);
    expect(result.importedCount + result.skippedCount).toBe(150);
    expect(result.skipped.filter(({ path }) => path.includes("l120"))).toHaveLength(1);
    expect(result.skipped.filter(({ code }) => code === "not-found").length).toBeGreaterThan(50);
    expect(library.list({ query: "l13" }).total).toBe(10);
  });

  it("follows a linked folder once, also one that leads in a circle", async () => {
    const { files, import: bring } = await testLibrary();
    await writeFakeLora(join(files, "real", "anna.safetensors"), { seed: 1 });
    await symlink(join(files, "real"), join(files, "link"));
    await symlink(files, join(files, "real", "circle"));
    await symlink(join(files, "nowhere"), join(files, "broken.safetensors"));
    const { imported, skipped } = await bring([files]);
    expect(imported).toHaveLength(1);
    expect(skipped.map(({ code }) => code)).toEqual(["not-found"]);
  });

  it.skipIf(process.getuid?.() === 0)("says which folder may not be read", async () => {
    const { files, import: bring } = await testLibrary();
    await writeFakeLora(join(files, "open.safetensors"), { seed: 1 });
    await mkdir(join(files, "shut"));
    await chmod(join(files, "shut"), 0);
    const { importedCount, skipped } = await bring([files]);
    await chmod(join(files, "shut"), 0o755);
    expect(importedCount).toBe(1);
    expect(skipped).toMatchObject([{ path: join(files, "shut"), code: "not-readable" }]);
  });

  it("keeps what is imported when it is cancelled", async () => {
    const { library, jobs, engine, files } = await testLibrary();
    for (let i = 0; i < 300; i++)
      await writeFakeLora(join(files, `l${i}.safetensors`), { seed: i });
    let id = "";
    let scans = 0;
    engine.before = (what) => {
      if (what === "scan" && ++scans === 150) jobs.cancel(id);
    };
    id = library.import({ paths: [files], storage: "reference" });
    const job = await jobs.ended(id);
    expect(job.state).toBe("cancelled");
    const kept = library.list({}).total;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(300);
    expect(job.result).toMatchObject({ importedCount: kept });
  });

  it("goes on where the studio was closed, and counts what came before as imported", async () => {
    const first = await testLibrary();
    for (let i = 0; i < 300; i++) {
      await writeFakeLora(join(first.files, `l${i}.safetensors`), { seed: i });
    }
    const closed = Promise.withResolvers<void>();
    let scans = 0;
    first.engine.before = (what) => {
      if (what === "scan" && ++scans === 150) first.close().then(closed.resolve, closed.reject);
    };
    const id = first.library.import({ paths: [first.files], storage: "reference" });
    await closed.promise;
    const second = await testLibrary(join(first.files, ".."));
    const kept = second.library.list({}).total;
    expect(kept).toBeLessThan(300);
    expect(second.jobs.get(id).state).toBe("interrupted");
    second.jobs.resume(id);
    const job = await second.jobs.ended(id);
    expect(job).toMatchObject({ state: "done", result: { importedCount: 300, skippedCount: 0 } });
    expect(second.engine.calls.scanned).toBe(300 - kept);
    expect(second.library.list({}).total).toBe(300);
  });

  it("brings back from the trash what is imported again", async () => {
    const { library, files, import: bring } = await testLibrary();
    const path = await writeFakeLora(join(files, "anna.safetensors"), { seed: 1 });
    const { imported } = await bring([path]);
    const id = imported[0]?.id ?? "";
    await library.settled();
    await library.remove([id]);
    expect((await bring([path])).imported).toMatchObject([{ id }]);
    await library.remove([id]);
    // Under another path, known by its content alone.
    const other = await writeFakeLora(join(files, "other.safetensors"), { seed: 1 });
    await bring([other]);
    await library.settled();
    expect(library.list({}).cards).toMatchObject([{ id, name: "anna" }]);
    expect(library.list({ view: "trash" }).total).toBe(0);
  });

  it("puts what it imports into a collection, also what was there already", async () => {
    const { library, jobs, files, import: bring } = await testLibrary();
    const path = await writeFakeLora(join(files, "anna.safetensors"), { seed: 1 });
    await writeFakeLora(join(files, "bert.safetensors"), { seed: 2 });
    await bring([path]);
    const collection = library.createCollection("Faces");
    await jobs.ended(
      library.import({ paths: [files], storage: "reference", collection: collection.id }),
    );
    expect(library.list({ collection: collection.id }).total).toBe(2);
    expect(library.overview().collections).toMatchObject([{ name: "Faces", count: 2 }]);
  });
});

describe("what lies beside a file", () => {
  it("is taken: pictures, notes, trigger words, weight", async () => {
    const { library, files, import: bring } = await testLibrary();
    const path = await writeFakeLora(join(files, "anna.safetensors"), {
      seed: 1,
      triggerWords: ["from the header"],
    });
    await writeFile(join(files, "anna.preview.png"), "a picture");
    await writeFile(
      join(files, "anna.json"),
      JSON.stringify({
        description: "Soft light.",
        notes: "Use 0.8",
        "activation text": "sks, woman",
        "preferred weight": 0.8,
        "sd version": 7,
      }),
    );
    await writeFile(
      join(files, "anna.metadata.json"),
      JSON.stringify({ tags: ["portrait", 3, "studio"], favorite: true, usage_tips: "not json" }),
    );
    await writeFile(join(files, "anna.civitai.info"), "{ broken");
    const { imported } = await bring([path]);
    await library.settled();
    const details = library.get(imported[0]?.id ?? "");
    expect(details).toMatchObject({
      notes: "Soft light.\n\nUse 0.8",
      triggerWords: ["sks", "woman"],
      preferredWeight: 0.8,
      tags: ["portrait", "studio"],
      favourite: true,
    });
    expect(details.preview).not.toBeNull();
    expect(existsSync(library.previewFile(details.id) ?? "")).toBe(true);
  });

  it("is taken from inside the header where nothing lies beside, and large values are not stored", async () => {
    const { library, files, import: bring } = await testLibrary();
    const picture = Buffer.from("picture bytes").toString("base64");
    const path = await writeFakeLora(join(files, "anna.safetensors"), {
      seed: 1,
      metadata: {
        ssmd_cover_images: JSON.stringify([picture]),
        "modelspec.description": "From the header",
        ss_tag_frequency: "x".repeat(10_000),
      },
    });
    const { imported } = await bring([path]);
    await library.settled();
    const details = library.get(imported[0]?.id ?? "");
    expect(await readFile(library.previewFile(details.id) ?? "", "utf8")).toBe("picture bytes");
    expect(details.notes).toBe("From the header");
    expect(details.inspection?.metadata["ssmd_cover_images"]).toBeUndefined();
    expect(details.inspection?.metadata["ss_tag_frequency"]?.length).toBeLessThan(5000);
    expect((await library.inspect(path)).metadata["ss_tag_frequency"]).toHaveLength(10_000);
  });

  it("includes the recipe of a file that Facet wrote", async () => {
    const { library, files, import: bring } = await testLibrary();
    const recipe = {
      version: 1,
      facet: "0.1.0",
      name: "Blend",
      family: "sdxl",
      recipe: { kind: "resize", parent: { id: "x", name: "anna" }, rank: 4 },
      fingerprint: "f",
    };
    const path = await writeFakeLora(join(files, "blend.safetensors"), {
      seed: 1,
      metadata: { "facet.recipe": JSON.stringify(recipe) },
    });
    await writeFakeLora(join(files, "odd.safetensors"), {
      seed: 2,
      metadata: { "facet.recipe": "{}" },
    });
    const { imported } = await bring([files]);
    const byPath = (end: string) => imported.find((one) => one.path.endsWith(end))?.id ?? "";
    expect(path).toContain("blend");
    expect(library.get(byPath("blend.safetensors"))).toMatchObject({ kind: "file", recipe });
    expect(library.get(byPath("odd.safetensors")).recipe).toBeNull();
  });
});

describe("reading", () => {
  it("stops where the library cannot be written, and goes on when it can", async () => {
    const { library, jobs, files, import: bring } = await testLibrary();
    await writeFakeLora(join(files, "anna.safetensors"), { seed: 1 });
    await writeFile(join(library.folder, "blobs"), "in the way");
    await bring([files], "copy");
    await library.settled();
    const reading = jobs.list().find(({ kind }) => kind === "read");
    expect(reading).toMatchObject({ state: "failed", failure: { code: "not-writable" } });
    expect(reading?.failure?.path).toContain(join(library.folder, "blobs"));
    expect(library.overview()).toMatchObject({ all: 1, unread: 1, trouble: 0 });
    await rm(join(library.folder, "blobs"));
    jobs.resume(reading?.id ?? "");
    await library.settled();
    expect(library.overview()).toMatchObject({ all: 1, unread: 0, trouble: 0 });
  });

  it("marks files that are gone when the library is opened, and forgets it when they are back", async () => {
    const first = await testLibrary();
    const path = await writeFakeLora(join(first.files, "anna.safetensors"), { seed: 1 });
    await writeFakeLora(join(first.files, "bert.safetensors"), { seed: 2 });
    await first.import([first.files]);
    await first.library.settled();
    await first.close();
    await rename(path, `${path}.away`);
    const root = join(first.files, "..");
    const second = await testLibrary(root);
    await expect.poll(() => second.library.overview().trouble, { timeout: 10_000 }).toBe(1);
    const [card] = second.library.list({ view: "trouble" }).cards;
    expect(card?.trouble).toContain(path);
    await second.close();
    await rename(`${path}.away`, path);
    const third = await testLibrary(root);
    await expect.poll(() => third.library.overview().trouble, { timeout: 10_000 }).toBe(0);
    await third.library.settled();
    expect(third.library.overview()).toMatchObject({ all: 2, unread: 0, trouble: 0 });
  });

  it("marks what cannot be read, goes on, and tries again when it is imported again", async () => {
    const { library, engine, files, import: bring } = await testLibrary();
    const bad = await writeFakeLora(join(files, "bad.safetensors"), { seed: 1 });
    await writeFakeLora(join(files, "good.safetensors"), { seed: 2 });
    await bring([files]);
    engine.before = (what, path) => {
      if (what === "read" && path === bad) throw new Error("tensor x is not finite");
    };
    await library.settled();
    expect(library.list({ view: "trouble" }).cards).toMatchObject([
      { name: "bad", trouble: "tensor x is not finite" },
    ]);
    expect(library.overview()).toMatchObject({ all: 2, trouble: 1, unread: 0 });
    engine.before = undefined;
    await bring([bad]);
    await library.settled();
    expect(library.overview()).toMatchObject({ trouble: 0 });
  });

  it("is taken up again by the next process", async () => {
    const first = await testLibrary();
    for (let i = 0; i < 20; i++) {
      await writeFakeLora(join(first.files, `l${i}.safetensors`), { seed: i });
    }
    await first.import([first.files], "copy");
    await first.close();
    const root = join(first.files, "..");
    const second = await testLibrary(root);
    expect(second.library.overview().unread).toBeGreaterThan(0);
    await second.library.settled();
    expect(second.library.overview()).toMatchObject({ all: 20, unread: 0, trouble: 0 });
    expect(second.library.list({ query: "is:copied" }).total).toBe(20);
  });
});
