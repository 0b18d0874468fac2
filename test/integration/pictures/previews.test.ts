/** Pictures through the whole studio: LoRAs as live inputs, slots where the newest wins, and everything that goes wrong. */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Picture,
  PictureEvent,
  PictureLora,
  PictureRequest,
} from "../../../src-preload/contract/previews.ts";
import { compose, type Studio } from "../../../src-main/compose.ts";
import { readPngText } from "../../../src-main/core/formats/png/text.ts";
import type { Lora } from "../../../src-main/core/lora/lora.ts";
import { writeLoraFile } from "../../../src-main/export/writer.ts";
import { forkEngine } from "../../../src-main/engine/launcher.ts";
import { jobEnd } from "../../support/job-end.ts";
import { writeTinyCheckpoint } from "../../support/models/tiny.ts";
import { tinyLora } from "../../support/random-lora.ts";

let folder = "";
let studio: Studio;
let model = "";
let space = "";
let ids: string[] = [];
const enginePids: number[] = [];

const small = { prompt: "a portrait", negative: "blurry", width: 64, height: 64, steps: 4 };

function writeTiny(path: string, lora: Lora): void {
  const file = { to: path, dialect: "kohya", dtype: "f32", metadata: {}, overwrite: true } as const;
  writeLoraFile({ ...file, lora });
}

/** Small beside the model's own weights. */
function quiet(lora: Lora, factor = 0.05): Lora {
  const modules = lora.modules.map((module) => ({
    ...module,
    up: module.up.map((value) => value * factor),
  }));
  return { ...lora, modules };
}

async function eventsOf(request: PictureRequest): Promise<PictureEvent[]> {
  const events: PictureEvent[] = [];
  for await (const event of await studio.client.previews.make(request)) events.push(event);
  return events;
}

async function picture(request: Partial<PictureRequest> = {}): Promise<Picture> {
  const events = await eventsOf({ slot: "test", model, settings: small, ...request });
  const last = events.at(-1);
  if (last?.kind !== "done") throw new Error(`ended with ${last?.kind ?? "nothing"}`);
  return last.picture;
}

async function meanDifference(left: Picture, right: Picture): Promise<number> {
  const pixels = await Promise.all(
    [left, right].map(({ path }) => sharp(path).removeAlpha().raw().toBuffer()),
  );
  const [a, b] = pixels;
  if (a === undefined || b === undefined) throw new Error("two pictures");
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "facet-previews-"));
  const people = join(folder, "people");
  await mkdir(people);
  for (let person = 0; person < 6; person++)
    writeTiny(join(people, `person ${person}.safetensors`), quiet(tinyLora("sdxl", person)));
  const checkpoint = join(folder, "tiny.safetensors");
  writeTinyCheckpoint(checkpoint, { family: "sdxl" });
  studio = await compose({
    library: join(folder, "library"),
    launch: (role) => {
      const process = forkEngine(role);
      if (role === "pictures" && process.pid !== undefined) enginePids.push(process.pid);
      return process;
    },
  });
  await jobEnd(studio, (await studio.client.library.import({ paths: [people] })).job);
  ids = await studio.client.library.ids({ sort: "name" });
  await jobEnd(
    studio,
    (await studio.client.spaces.fit({ members: ids, form: "aligned", components: 3 })).job,
  );
  space = (await studio.client.spaces.list())[0]?.id ?? "";
  model = (await studio.client.models.add({ path: checkpoint }))[0]?.id ?? "";
}, 120_000);

afterAll(async () => {
  await studio.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a picture", () => {
  it("is the same file for the same settings, and says what it was made with", async () => {
    const events = await eventsOf({ slot: "a", model, settings: small });
    const steps = events.filter((event) => event.kind === "step");
    expect(steps.at(-1)).toMatchObject({ step: 4, steps: 4 });
    const first = await picture();
    const again = await picture();
    expect(again.sha256).toBe(first.sha256);
    const texts = readPngText(readFileSync(first.path));
    expect(texts.get("parameters")).toMatch(/^a portrait\nNegative prompt: blurry\nSteps: 4/);
    expect(JSON.parse(texts.get("prompt") ?? "")).toBeTypeOf("object");
    expect(texts.get("facet")).not.toContain(folder);
  });

  it("is made with a prompt in another language, and without guidance at scale 1", async () => {
    const guided = await picture({ settings: { ...small, prompt: "портрет 🙂 женщины" } });
    const unguided = await picture({ settings: { ...small, cfg: 1 } });
    expect(unguided.sha256).not.toBe(guided.sha256);
  });

  it("shows a LoRA, a blend and a slider at once, and opens no session for them", async () => {
    const bare = await picture();
    const [first = "", second = ""] = ids;
    const mounted = await studio.client.previews.counters();
    const one = await picture({ loras: [{ kind: "library", id: first }] });
    const total = tinyLora("sdxl", 0).modules.length;
    expect(one.loras).toEqual([{ name: "person 0", applied: total, total }]);
    expect(await meanDifference(bare, one)).toBeGreaterThan(1);
    const point = (sigma: number): PictureLora => ({
      kind: "draft",
      draft: { kind: "point", space, coordinates: [sigma, 0, 0] },
    });
    const seen = new Set([bare.sha256, one.sha256]);
    const halves = [first, second].map((id) => ({ id, weight: 0.5 }));
    const stacks: PictureLora[][] = [
      [{ kind: "library", id: first, strength: 0.5 }],
      [
        { kind: "library", id: first },
        { kind: "library", id: second, strength: -0.7 },
      ],
      [point(2)],
      [point(2.5)],
      [{ kind: "draft", draft: { kind: "blend", mode: "delta", parents: halves } }],
    ];
    for (const loras of stacks) {
      const { sha256 } = await picture({ loras });
      expect(seen).not.toContain(sha256);
      seen.add(sha256);
    }
    const off = await picture({ loras: [{ kind: "library", id: first, strength: 0 }] });
    expect(await meanDifference(bare, off)).toBe(0);
    const after = await studio.client.previews.counters();
    expect(after.sessionsOpened).toBe(mounted.sessionsOpened);
    const { engines } = await studio.client.system.doctor();
    const own = engines.find(({ role }) => role === "pictures");
    expect(own?.sessions?.opened).toBe(mounted.sessionsOpened);
  });

  it("takes a LoRA from a file, and makes the same as from the library", async () => {
    const path = join(folder, "people", "person 1.safetensors");
    const [, second = ""] = ids;
    const fromFile = await picture({ loras: [{ kind: "file", path }] });
    const fromLibrary = await picture({ loras: [{ kind: "library", id: second }] });
    expect(await meanDifference(fromFile, fromLibrary)).toBe(0);
  });
});

describe("slots", () => {
  const long = { ...small, steps: 100, width: 256, height: 256 };

  it("give up the older request of a slot for a newer one", async () => {
    const older = eventsOf({ slot: "slider", model, settings: long });
    await setTimeout(500);
    const newer = eventsOf({ slot: "slider", model, settings: { ...small, seed: 2 } });
    expect((await older).at(-1)).toEqual({ kind: "superseded" });
    expect((await newer).at(-1)).toMatchObject({ kind: "done" });
  });

  it("can be cancelled, and say whether there was anything", async () => {
    const running = eventsOf({ slot: "cancelled", model, settings: { ...long, seed: 3 } });
    await setTimeout(300);
    expect(await studio.client.previews.cancel({ slot: "cancelled" })).toEqual({ found: true });
    expect((await running).at(-1)).toEqual({ kind: "superseded" });
    expect(await studio.client.previews.cancel({ slot: "cancelled" })).toEqual({ found: false });
  });

  it("survive the end of the engine: the next picture starts another", async () => {
    const running = eventsOf({ slot: "killed", model, settings: { ...long, seed: 4 } });
    const failed = expect(running).rejects.toMatchObject({ code: "engine-unavailable" });
    await setTimeout(500);
    process.kill(enginePids.at(-1) ?? 0, "SIGKILL");
    await failed;
    expect((await picture({ slot: "killed" })).steps).toBe(4);
    expect(enginePids.length).toBe(2);
  });
});

describe("bad input", () => {
  const refused = (request: Partial<PictureRequest>) =>
    picture(request).then(
      () => {
        throw new Error("a picture was made");
      },
      (error: unknown) => error,
    );

  it("names sizes that fit", async () => {
    expect(await refused({ settings: { ...small, width: 100 } })).toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/100 pixels is no multiple of 32.*96 or 128/) as string,
    });
  });

  it("says what a picture that does not fit into memory would need", async () => {
    expect(await refused({ settings: { ...small, width: 4096, height: 4096 } })).toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(
        /unet of .*tiny\.safetensors.* needs about .* GB.* are free/,
      ) as string,
    });
  });

  it("refuses a prompt of 10,000 tokens by its number", async () => {
    const prompt = Array.from({ length: 10_000 }, () => "cat").join(" ");
    expect(
      await refused({ settings: { ...small, prompt: prompt.slice(0, 20_000) } }),
    ).toMatchObject({ code: "too-large" });
  });

  it("refuses a LoRA of another family, and one with values that are no numbers, by name", async () => {
    const other = join(folder, "other.safetensors");
    writeTiny(other, tinyLora("sd15", 1));
    expect(await refused({ loras: [{ kind: "file", path: other }] })).toMatchObject({
      code: expect.stringMatching(/mismatch|unsupported/) as string,
      message: expect.stringContaining("other.safetensors") as string,
    });
    const spoilt = join(folder, "spoilt.safetensors");
    writeTiny(spoilt, tinyLora("sdxl", 1));
    const bytes = readFileSync(spoilt);
    writeFileSync(spoilt, bytes.fill(0xff, bytes.length - 8));
    expect(await refused({ loras: [{ kind: "file", path: spoilt }] })).toMatchObject({
      code: "not-finite",
      data: { path: spoilt },
    });
  });

  it("says by tensor what is wrong with a checkpoint that was cut short after it was found", async () => {
    const path = join(folder, "cut.safetensors");
    await copyFile(join(folder, "tiny.safetensors"), path);
    const [{ id } = { id: "" }] = await studio.client.models.add({ path });
    await picture({ model: id });
    truncateSync(path, 5_000_000);
    expect(await refused({ model: id })).toMatchObject({
      code: "truncated",
      message: expect.stringContaining("cut.safetensors") as string,
    });
  });

  it("says that a model went away with its disk", async () => {
    const path = join(folder, "moved.safetensors");
    await copyFile(join(folder, "tiny.safetensors"), path);
    const [{ id } = { id: "" }] = await studio.client.models.add({ path });
    await picture({ model: id });
    renameSync(path, `${path}.away`);
    expect(existsSync(path)).toBe(false);
    expect(await refused({ model: id })).toMatchObject({
      code: "not-found",
      message: expect.stringContaining("moved.safetensors") as string,
    });
  });

  it("says that UNet weights that are no numbers make no picture", async () => {
    const path = join(folder, "nan.safetensors");
    writeTinyCheckpoint(path, { family: "sdxl" });
    // The last weights of the file are the VAE's; all of them become NaN.
    const bytes = readFileSync(path);
    bytes.fill(0xff, bytes.length - 2000);
    writeFileSync(path, bytes);
    const [{ id } = { id: "" }] = await studio.client.models.add({ path });
    expect(await refused({ model: id })).toMatchObject({ code: "not-finite" });
  });

  it("says what to do where there is no such model", async () => {
    expect(await refused({ model: "nothing" })).toMatchObject({ code: "not-found" });
  });
});
