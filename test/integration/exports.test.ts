/** Batches as jobs: what is written stays, what fails is told, nothing is half there and nothing is lost. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { FacetError } from "../../src-main/core/errors.ts";
import { inspectFile } from "../../src-main/files/lora-file.ts";
import { connect } from "../../src-main/library/database.ts";
import { ExportResult } from "../../src-preload/contract/exports.ts";
import { copyAnswer, type ExportCall, exportsOver } from "../support/exporting.ts";
import { type TestLibrary, temporaryFolder, testLibrary } from "../support/library.ts";
import { readTensorFile } from "../support/safetensors.ts";
import { writeSmallLora } from "../support/small-loras.ts";
import { createHash } from "node:crypto";

const options = { dialect: "kohya", dtype: "f32" } as const;

/** A library of real small files, read by the real reader behind the stand-in's back. */
async function setUp(count: number, answer?: typeof copyAnswer) {
  const root = await temporaryFolder();
  const test = await testLibrary(root);
  const ids = await bring(test, root, count);
  const out = join(root, "out");
  mkdirSync(out);
  return { ...test, root, out, ids, exports: exportsOver(test.library, test.jobs, answer) };
}

async function bring(test: TestLibrary, root: string, count: number): Promise<string[]> {
  test.engine.scan = ({ paths }) =>
    Promise.resolve(paths.map((path) => ({ path, inspection: inspectFile(path), modifiedAt: 1 })));
  test.engine.before = () => Promise.reject(new Error("contents are not read here"));
  mkdirSync(join(root, "files"));
  for (let index = 0; index < count; index++)
    writeSmallLora(join(root, "files", `${index}.safetensors`), index + 1);
  const { imported } = await test.import([join(root, "files")]);
  return imported
    .toSorted((left, right) => Number(left.name) - Number(right.name))
    .map(({ id }) => id);
}

function isWhole(path: string): boolean {
  const { data, metadata } = readTensorFile(path);
  return createHash("sha256").update(data).digest("hex") === metadata["sshs_model_hash"];
}

describe("a batch", () => {
  it("writes every file and says what it wrote", async () => {
    const { exports, jobs, ids, out } = await setUp(5);
    const job = await jobs.ended(
      await exports.start(ids, out, { ...options, template: "{index} {rank} {family}" }),
    );
    expect(job).toMatchObject({ state: "done", done: 5, total: 5, unit: "files" });
    const { files, failed } = ExportResult.parse(job.result);
    expect(failed).toEqual([]);
    expect(files.map(({ id }) => id)).toEqual(ids);
    expect(readdirSync(out).toSorted()).toEqual(
      ids.map((_, index) => `${index + 1} 2 sd15.safetensors`),
    );
    for (const { path, sha256, bytes } of files) {
      const written = readFileSync(path);
      expect({ sha256, bytes }).toEqual({
        sha256: createHash("sha256").update(written).digest("hex"),
        bytes: written.length,
      });
      expect(isWhole(path)).toBe(true);
    }
  });

  it("goes on after a failure, and names it", async () => {
    const { exports, jobs, ids, out, library } = await setUp(4, (call: ExportCall) => {
      if (call.to.includes("2.safetensors"))
        throw new FacetError("overflow", "unet.x is 70000, more than f16 holds.");
      return copyAnswer(call);
    });
    const job = await jobs.ended(await exports.start(ids, out, options));
    const { files, failed } = ExportResult.parse(job.result);
    expect(files).toHaveLength(3);
    expect(failed).toEqual([
      { id: ids[2], name: "2", code: "overflow", reason: "unet.x is 70000, more than f16 holds." },
    ]);
    expect(library.ids({})).toHaveLength(4);
  });

  it("stops between two files when it is cancelled, and keeps what is there", async () => {
    let calls = 0;
    const { exports, jobs, ids, out } = await setUp(30, async (call: ExportCall) => {
      calls += 1;
      if (calls === 6) jobs.cancel(id);
      return copyAnswer(call);
    });
    const id = await exports.start(ids, out, options);
    const job = await jobs.ended(id);
    expect(job.state).toBe("cancelled");
    const names = readdirSync(out);
    expect(names.length).toBeGreaterThanOrEqual(5);
    expect(names.length).toBeLessThan(12);
    for (const name of names) expect(isWhole(join(out, name))).toBe(true);
    expect(
      ExportResult.parse(job.result)
        .files.map(({ path }) => path)
        .toSorted(),
    ).toEqual(names.map((name) => join(out, name)).toSorted());
  });

  it("goes on where it was when the engine went away", async () => {
    let broken = true;
    const { exports, jobs, ids, out } = await setUp(6, (call: ExportCall) => {
      if (broken && call.to.endsWith("3.safetensors"))
        throw new FacetError("engine-unavailable", "The engine stopped.");
      return copyAnswer(call);
    });
    const id = await exports.start(ids, out, options);
    expect((await jobs.ended(id)).state).toBe("failed");
    broken = false;
    jobs.resume(id);
    const job = await jobs.ended(id);
    expect(job.state).toBe("done");
    expect(ExportResult.parse(job.result).files.map((file) => file.id)).toEqual(ids);
    // None was written twice.
    expect(readdirSync(out)).toHaveLength(6);
  });

  it("takes the next name when somebody took it meanwhile", async () => {
    const { exports, jobs, ids, out } = await setUp(1, (call: ExportCall) => {
      if (!existsSync(join(out, "0.safetensors")))
        writeFileSync(join(out, "0.safetensors"), "theirs");
      return copyAnswer(call);
    });
    const job = await jobs.ended(await exports.start(ids, out, options));
    expect(ExportResult.parse(job.result).files[0]?.path).toBe(join(out, "0 (2).safetensors"));
    expect(readFileSync(join(out, "0.safetensors"), "utf8")).toBe("theirs");
  });

  it("writes picture and card, and leaves strangers' files alone", async () => {
    const { exports, jobs, ids, out, library } = await setUp(1);
    const [id = ""] = ids;
    const picture = await sharp({
      create: { width: 300, height: 400, channels: 3, background: "teal" },
    })
      .webp()
      .toBuffer();
    const file = join(library.folder, "preview.webp");
    writeFileSync(file, picture);
    library.previewFile = () => file;
    await library.update([id], {
      notes: "Works best at 0.8.",
      triggerWords: ["sks woman"],
      preferredWeight: 0.8,
      addTags: ["portrait"],
    });
    writeFileSync(join(out, "0.png"), "theirs");
    const job = await jobs.ended(await exports.start(ids, out, { ...options, sidecars: true }));
    const [written] = ExportResult.parse(job.result).files;
    expect(written?.path).toBe(join(out, "0 (2).safetensors"));
    expect(readFileSync(join(out, "0.png"), "utf8")).toBe("theirs");
    expect(await sharp(join(out, "0 (2).png")).metadata()).toMatchObject({
      format: "png",
      width: 300,
      height: 400,
    });
    expect(JSON.parse(readFileSync(join(out, "0 (2).json"), "utf8"))).toEqual({
      description: "0",
      "sd version": "SD1",
      "activation text": "sks woman",
      "preferred weight": 0.8,
      "negative text": "",
      notes: "Works best at 0.8.",
    });
    const { metadata } = readTensorFile(written?.path ?? "");
    expect(metadata).toMatchObject({
      "modelspec.trigger_phrase": "sks woman",
      "modelspec.tags": "portrait",
    });
    const [head, base64 = ""] = (metadata["modelspec.thumbnail"] ?? "").split(",");
    expect(head).toBe("data:image/jpeg;base64");
    expect(await sharp(Buffer.from(base64, "base64")).metadata()).toMatchObject({
      format: "jpeg",
      width: 256,
      height: 256,
    });
  });
});

describe("the destination", () => {
  it("is made where only its last part is missing", async () => {
    const { exports, jobs, ids, root } = await setUp(1);
    await jobs.ended(await exports.start(ids, join(root, "new"), options));
    expect(readdirSync(join(root, "new"))).toEqual(["0.safetensors"]);
  });

  it("is refused before anything starts, with its name", async () => {
    const { exports, jobs, ids, root, out, library } = await setUp(1);
    const start = (to: string, more = {}) => exports.start(ids, to, { ...options, ...more });
    await expect(start(join(root, "a", "b"))).rejects.toMatchObject({
      code: "not-found",
      path: join(root, "a", "b"),
    });
    await expect(start(join(root, "files", "0.safetensors"))).rejects.toMatchObject({
      code: "invalid-argument",
    });
    await expect(start(out, { template: "{nope}" })).rejects.toMatchObject({
      code: "invalid-argument",
      field: "template",
    });
    await expect(exports.start(["nobody"], out, options)).rejects.toMatchObject({
      code: "not-found",
    });
    symlinkSync(join(root, "nowhere"), join(root, "dangling"));
    await expect(start(join(root, "dangling"))).rejects.toBeInstanceOf(FacetError);
    // Larger than any disk.
    const details = library.get.bind(library);
    library.get = (id) => ({ ...details(id), inspection: null, bytes: 2 ** 60 });
    await expect(start(out)).rejects.toMatchObject({
      code: "disk-full",
      message: expect.stringMatching(/\d+ bytes free/),
    });
    expect(jobs.list().filter(({ kind }) => kind === "export")).toEqual([]);
    expect(readdirSync(out)).toEqual([]);
  });

  it("takes paths with spaces, quotes and emoji", async () => {
    const { exports, jobs, ids, root } = await setUp(1);
    const to = join(root, `it's "mine" 👩‍🚀`);
    const job = await jobs.ended(await exports.start(ids, to, options));
    expect(ExportResult.parse(job.result).files[0]?.path).toBe(join(to, "0.safetensors"));
  });

  it("tells each file's fault when it vanishes on the way", async () => {
    const { exports, jobs, ids, out } = await setUp(6, (call: ExportCall) => {
      if (call.to.endsWith("2.safetensors")) rmSync(out, { recursive: true });
      return copyAnswer(call);
    });
    const job = await jobs.ended(await exports.start(ids, out, options));
    const { files, failed } = ExportResult.parse(job.result);
    expect(files.length + failed.length).toBe(6);
    expect(failed.length).toBeGreaterThanOrEqual(4);
    for (const { code, reason } of failed)
      expect({ code, reason }).toMatchObject({
        code: "not-found",
        reason: expect.stringContaining(out),
      });
  });
});

describe("one file", () => {
  it("is staged under its own name in a folder that is its token", async () => {
    const { exports, ids, library } = await setUp(1);
    const staged = await exports.stage(ids[0] ?? "", options);
    expect(staged.name).toBe("0.safetensors");
    expect(staged.path).toBe(join(library.folder, "staging", staged.download, staged.name));
    expect(staged.download).toMatch(/^[A-Za-z0-9_-]{16,128}$/);
    expect(isWhole(staged.path)).toBe(true);
  });

  it("has the names that its preview promised", async () => {
    const { exports, jobs, ids, out, library } = await setUp(3);
    await library.update(ids, { name: "Twin?" });
    const names = exports.preview(ids, "{name}", "kohya", "f32");
    expect(names).toEqual(["Twin-.safetensors", "Twin- (2).safetensors", "Twin- (3).safetensors"]);
    await jobs.ended(await exports.start(ids, out, options));
    expect(readdirSync(out).toSorted()).toEqual(names.toSorted());
  });
});

describe("a killed process", () => {
  it("leaves whole files and a whole library, fifty times", async () => {
    const { root, out, ids, close } = await setUp(40);
    await close();
    const counts = new Set<number>();
    for (let kill = 0; kill < 50; kill++) {
      await killAfter(root, (kill * 37) % 100);
      for (const name of readdirSync(out)) {
        // What has a real name is whole; what was being written hides under a name that the next sweep knows.
        if (name.endsWith(".safetensors")) expect(isWhole(join(out, name))).toBe(true);
        else if (name.endsWith(".json"))
          expect(JSON.parse(readFileSync(join(out, name), "utf8"))).toHaveProperty("notes");
        else expect(name).toMatch(/^\..*\.facet-tmp$/);
      }
      counts.add(readdirSync(out).length);
      using database = connect(join(root, "library", "facet.sqlite"));
      expect(database.pragma("integrity_check")).toBe("ok");
      if (kill % 10 === 9) for (const name of readdirSync(out)) rmSync(join(out, name));
    }
    // The kills did fall between files, not before or behind them all.
    expect(counts.size).toBeGreaterThan(10);
    const { library, jobs } = await testLibrary(root);
    expect(library.ids({}).toSorted()).toEqual(ids.toSorted());
    const exports = exportsOver(library, jobs);
    const job = await jobs.ended(await exports.start(ids, join(root, "after"), options));
    expect(ExportResult.parse(job.result).files).toHaveLength(40);
  }, 110_000);
});

async function killAfter(root: string, ms: number): Promise<void> {
  const script = join(import.meta.dirname, "..", "support", "export-and-die.ts");
  const child = spawn(process.execPath, [script, root], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once("exit", (_, signal) => resolve(signal)),
  );
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), ms));
  expect(await ended).toBe("SIGKILL");
}
