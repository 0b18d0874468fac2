/** The command line from import to export, as a person or a script runs it: real processes, a real library. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import sharp from "sharp";
import { runCommand } from "../../src-main/cli/program.ts";
import { TrainResult } from "../../src-preload/contract/training.ts";
import { compose, type Studio } from "../../src-main/compose.ts";
import { writeLoraFile } from "../../src-main/export/writer.ts";
import { writeTinyCheckpoint } from "../support/models/tiny.ts";
import { tinyLora } from "../support/random-lora.ts";
import { readTensorFile } from "../support/safetensors.ts";
import {
  deltaOf,
  relativeDifference,
  smallAlpha,
  smallModules,
  smallRank,
  writeSmallLora,
} from "../support/small-loras.ts";

const repository = resolve(import.meta.dirname, "../..");
const members = 8;

let folder: string;
let library: string;
let out: string;
let studio: Studio | undefined;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One `facet …` in a process of its own. */
function facet(...words: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(repository, "src-main/cli.ts"), ...words], {
    cwd: folder,
    // A home of its own: nothing of the machine's ComfyUI folders or library shows.
    env: {
      ...process.env,
      HOME: folder,
      XDG_DATA_HOME: join(folder, "data"),
      XDG_CONFIG_HOME: join(folder, "config"),
      FACET_LIBRARY: "",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const read = (stream: NodeJS.ReadableStream) => {
    let text = "";
    stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    return () => text;
  };
  const stdout = read(child.stdout);
  const stderr = read(child.stderr);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, stdout: stdout(), stderr: stderr() }));
  });
}

/** The same command in this process, on a studio that stays open: most of a short command is starting up. */
async function quickly(...words: string[]): Promise<Ran> {
  studio ??= await compose({ library });
  const { client } = studio;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runCommand({
    words,
    env: {},
    terminal: { stdout, stderr },
    interrupt: new AbortController().signal,
    openStudio: () => Promise.resolve({ client, close: () => Promise.resolve() }),
  });
  return { code, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
}

/** Expects one JSON document and exit 0. */
function parsed<T>(schema: z.ZodType<T>, { code, stdout, stderr }: Ran): T {
  expect(code, stderr + stdout).toBe(0);
  return schema.parse(JSON.parse(stdout));
}

async function json<T>(schema: z.ZodType<T>, ...words: string[]): Promise<T> {
  return parsed(schema, await quickly(...words, "--json"));
}

/** In a process of its own. */
async function processJson<T>(schema: z.ZodType<T>, ...words: string[]): Promise<T> {
  return parsed(schema, await facet(...words, "--json", "--library", library));
}

/** Runs with `--json`, expects a failure, and gives its exit code and error. */
async function failure(...words: string[]) {
  const { code, stdout } = await quickly(...words, "--json");
  const { error } = z
    .object({
      error: z.object({ code: z.string(), message: z.string(), path: z.string().optional() }),
    })
    .parse(JSON.parse(stdout));
  return { exit: code, ...error };
}

const Imported = z.object({
  imported: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      path: z.string(),
      dialect: z.string(),
      family: z.string(),
      modules: z.number(),
      matched: z.number(),
      total: z.number(),
    }),
  ),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
});
const Fitted = z.object({
  space: z.string(),
  kind: z.literal("pca"),
  members: z.number(),
  dimension: z.number(),
  components: z.number(),
  explained: z.array(z.number()),
  seconds: z.number(),
  peakBytes: z.number(),
});
const Made = z.object({
  id: z.string(),
  residual: z.number().nullable(),
  difference: z.number().nullable(),
});
const Exported = z.object({
  files: z.array(
    z.object({
      id: z.string(),
      path: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      modules: z.number(),
      notes: z.array(z.string()),
    }),
  ),
});
const Inspected = z.object({
  dialect: z.string(),
  family: z.string(),
  modules: z.number(),
  rank: z.object({ min: z.number(), max: z.number() }),
  parameters: z.number(),
  matched: z.number(),
  total: z.number(),
  unmatched: z.array(z.string()),
  metadata: z.record(z.string(), z.string()),
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet cli ünï-"));
  library = join(folder, "library");
  out = join(folder, "out");
  mkdirSync(join(folder, "loras"));
  mkdirSync(out);
  for (let member = 0; member < members; member++)
    writeSmallLora(join(folder, "loras", `Member ${member}.safetensors`), member + 1);
  writeFileSync(join(folder, "loras", "broken.safetensors"), "not a tensor file at all");
  writeFileSync(join(folder, "loras", "notes.txt"), "passed over");
  writeSmallLora(join(folder, "foreign.safetensors"), 99, { note: "from elsewhere" });
});

afterAll(async () => {
  await studio?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the command line", () => {
  let ids: string[];

  it("inspects a file without making a library", async () => {
    const found = await processJson(Inspected, "inspect", join(folder, "foreign.safetensors"));
    const parameters = smallModules.reduce(
      (sum, module) => sum + smallRank * (module.in + module.out),
      0,
    );
    expect(found).toMatchObject({
      dialect: "kohya-diffusers",
      family: "sd15",
      modules: smallModules.length,
      rank: { min: smallRank, max: smallRank },
      parameters,
      matched: 3 * smallModules.length,
      total: 3 * smallModules.length,
      unmatched: [],
      metadata: { note: "from elsewhere" },
    });
    expect(existsSync(library)).toBe(false);
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  it("imports a folder; one bad file does not stop the rest", async () => {
    const { imported, skipped } = await processJson(Imported, "import", "loras");
    expect(imported).toHaveLength(members);
    for (const one of imported) {
      expect(one).toMatchObject({
        dialect: "kohya-diffusers",
        family: "sd15",
        modules: smallModules.length,
        matched: 3 * smallModules.length,
        total: 3 * smallModules.length,
      });
    }
    expect(skipped).toEqual([
      expect.objectContaining({ path: expect.stringContaining("broken.safetensors") }),
    ]);
    ids = imported
      .toSorted((left, right) => left.name.localeCompare(right.name))
      .map(({ id }) => id);
    const { total } = await processJson(z.object({ total: z.number() }), "list");
    expect(total).toBe(members);
  });

  it("exports at once what it imported, the products unchanged", async () => {
    const { files } = await processJson(
      Exported,
      "export",
      "Member 3",
      "--to",
      out,
      "--dtype",
      "f32",
    );
    const [file] = files;
    expect(file).toMatchObject({
      path: join(out, "Member 3.safetensors"),
      modules: smallModules.length,
      id: ids[3],
    });
    const written = readTensorFile(file?.path ?? "");
    const original = readTensorFile(join(folder, "loras", "Member 3.safetensors"));
    for (const module of smallModules) {
      const difference = relativeDifference(
        deltaOf(original, module, "kohya"),
        deltaOf(written, module, "kohya"),
      );
      expect(difference).toBeLessThan(1e-6);
    }
  });

  it("fits a space in each form", async () => {
    for (const form of ["standard", "delta", "aligned"]) {
      const fitted = await json(
        Fitted,
        "space",
        "fit",
        "--kind",
        "pca",
        "--form",
        form,
        "--components",
        "3",
        "--name",
        `by ${form}`,
      );
      expect(fitted).toMatchObject({ members, components: 3 });
      expect(fitted.explained).toHaveLength(3);
      const sum = fitted.explained.reduce((total, share) => total + share, 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual(1 + 1e-6);
    }
    const { spaces } = await json(
      z.object({ spaces: z.array(z.object({ name: z.string() })) }),
      "space",
      "list",
    );
    expect(spaces.map(({ name }) => name).toSorted()).toEqual([
      "by aligned",
      "by delta",
      "by standard",
    ]);
  });

  it("moves, blends in three ways, samples, projects, resizes", async () => {
    const moved = await json(
      Made,
      "move",
      "--space",
      "by aligned",
      "--from",
      ids[0] ?? "",
      "--set",
      "0=1.5,2=-1",
      "--name",
      "Moved",
    );
    const blends: string[] = [];
    for (const mode of ["latent", "slerp", "delta"]) {
      const weights = `${ids[0]}=0.5,${ids[1]}=0.5`;
      const made = await json(
        Made,
        "blend",
        "--mode",
        mode,
        "--weights",
        weights,
        "--space",
        "by aligned",
        "--name",
        `Blend ${mode}`,
      );
      if (mode !== "delta") expect(made.difference).toBeGreaterThanOrEqual(0);
      blends.push(made.id);
    }
    const { ids: samples } = await json(
      z.object({ ids: z.array(z.string()) }),
      "sample",
      "--space",
      "by aligned",
      "--count",
      "2",
      "--seed",
      "7",
    );
    const projected = await json(
      Made,
      "project",
      join(folder, "foreign.safetensors"),
      "--space",
      "by delta",
      "--name",
      "Projected",
    );
    expect(projected.residual).toBeGreaterThanOrEqual(0);
    expect(projected.residual).toBeLessThanOrEqual(1);
    const resized = await json(Made, "resize", ids[0] ?? "", "--rank", "1", "--name", "Smaller");
    const made = [moved.id, ...blends, ...samples, projected.id, resized.id];
    expect(new Set(made).size).toBe(made.length);
    const { total } = await json(z.object({ total: z.number() }), "list");
    // The foreign file came into the library as well.
    expect(total).toBe(members + 1 + made.length);
  });

  it("exports recipes in three dialects, which read back as the same products", async () => {
    const { files } = await json(
      Exported,
      "export",
      "Blend delta",
      "--to",
      out,
      "--dtype",
      "f32",
      "--template",
      "{name}-{dialect}",
    );
    const expected = readTensorFile(files[0]?.path ?? "");
    for (const dialect of ["kohya-diffusers", "peft"]) {
      const result = await json(
        Exported,
        "export",
        "Blend delta",
        "--to",
        out,
        "--dtype",
        "f32",
        "--dialect",
        dialect,
        "--template",
        "{name}-{dialect}",
      );
      const read = readTensorFile(result.files[0]?.path ?? "");
      for (const module of smallModules) {
        const delta = deltaOf(read, module, dialect === "peft" ? "peft" : "kohya");
        expect(relativeDifference(deltaOf(expected, module, "kohya"), delta)).toBeLessThan(1e-6);
      }
      const inspected = await json(Inspected, "inspect", result.files[0]?.path ?? "");
      expect(inspected).toMatchObject({
        modules: smallModules.length,
        unmatched: [],
        family: "sd15",
      });
    }
  });

  it("a delta blend is the mean of its parents' products, cut to their rank", async () => {
    // Rank 4 holds both parents exactly.
    await json(
      Made,
      "blend",
      "--mode",
      "delta",
      "--rank",
      "4",
      "--weights",
      `${ids[0]}=0.25,${ids[1]}=0.75`,
      "--name",
      "Exact",
    );
    const { files } = await json(Exported, "export", "Exact", "--to", out, "--dtype", "f32");
    const blend = readTensorFile(files[0]?.path ?? "");
    const parents = [0, 1].map((member) =>
      readTensorFile(join(folder, "loras", `Member ${member}.safetensors`)),
    );
    for (const module of smallModules) {
      const [first, second] = parents.map((parent) => deltaOf(parent, module, "kohya"));
      const mean = Float64Array.from(
        first ?? [],
        (value, index) => 0.25 * value + 0.75 * (second?.[index] ?? NaN),
      );
      expect(relativeDifference(mean, deltaOf(blend, module, "kohya"))).toBeLessThan(1e-5);
    }
  });

  it("writes headers and hashes that other tools can check", async () => {
    for (const dtype of ["f16", "bf16"]) {
      const { files } = await json(
        Exported,
        "export",
        "Moved",
        "--to",
        out,
        "--dtype",
        dtype,
        "--template",
        "{name}-{dtype}",
      );
      const [file] = files;
      const bytes = readFileSync(file?.path ?? "");
      expect(file).toMatchObject({
        bytes: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
      });
      const { metadata, data, tensors } = readTensorFile(file?.path ?? "");
      const hash = createHash("sha256").update(data).digest("hex");
      expect(metadata).toMatchObject({
        format: "pt",
        sshs_model_hash: hash,
        "modelspec.hash_sha256": `0x${hash}`,
        "modelspec.architecture": "stable-diffusion-v1/lora",
        ss_network_dim: String(smallRank),
        ss_output_name: "Moved",
      });
      expect(
        z.object({ name: z.string() }).parse(JSON.parse(metadata["facet.recipe"] ?? "")),
      ).toMatchObject({ name: "Moved" });
      // No private path leaves with a file.
      expect(JSON.stringify(metadata)).not.toContain(folder);
      for (const { kohya } of smallModules)
        expect(tensors.get(`${kohya}.alpha`)?.shape).toEqual([]);
      expect(new Set(Array.from(tensors.values(), (tensor) => tensor.dtype))).toEqual(
        new Set([dtype.toUpperCase()]),
      );
    }
    expect(smallAlpha).not.toBe(smallRank);
  });

  it("exports the same identity to the same bytes, and never overwrites unless told", async () => {
    const again = async (...more: string[]) =>
      (await json(Exported, "export", ids[2] ?? "", "--to", out, ...more)).files[0];
    const first = await again();
    const second = await again();
    expect(second?.path).toBe(join(out, "Member 2 (2).safetensors"));
    expect(second?.sha256).toBe(first?.sha256);
    expect((await again("--existing", "overwrite"))?.path).toBe(first?.path);
    expect(
      await failure("export", ids[2] ?? "", "--to", out, "--existing", "refuse"),
    ).toMatchObject({ exit: 1, code: "already-exists" });
  });

  it("writes cards that A1111 and InvokeAI read, and numbers around what is there", async () => {
    writeFileSync(join(out, "Card.json"), "mine");
    const { files } = await json(
      Exported,
      "export",
      ids[2] ?? "",
      "--to",
      out,
      "--template",
      "Card",
      "--sidecars",
    );
    expect(files[0]?.path).toBe(join(out, "Card (2).safetensors"));
    expect(readFileSync(join(out, "Card.json"), "utf8")).toBe("mine");
    expect(JSON.parse(readFileSync(join(out, "Card (2).json"), "utf8"))).toMatchObject({
      "sd version": "SD1",
      "activation text": "",
    });
  });

  it("tells what becomes of a trained word where it is written", async () => {
    const word = { shape: [2, 768], values: new Float32Array(1536).fill(0.5) };
    const key = "bundle_emb.<s1>.string_to_param.*";
    mkdirSync(join(folder, "words"));
    writeSmallLora(join(folder, "words", "Worded.safetensors"), 99, {}, { [key]: word });
    const { imported } = await json(Imported, "import", join(folder, "words"));
    const to = join(folder, "words out");
    const exported = async (dialect: string) => {
      const { files } = await json(
        Exported,
        "export",
        ...imported.map(({ id }) => id),
        "--to",
        to,
        "--dialect",
        dialect,
      );
      const [file] = files;
      return [file?.notes, readTensorFile(file?.path ?? "").tensors.has(key)];
    };
    expect(await exported("peft")).toEqual([[expect.stringMatching(/<s1> is left out/)], false]);
    expect(await exported("kohya")).toEqual([[expect.stringMatching(/<s1> is written/)], true]);
  });

  it("removes and restores", async () => {
    const id = ids[7] ?? "";
    await json(z.object({ removed: z.literal(1) }), "remove", id);
    expect(await failure("export", id, "--to", out)).toMatchObject({ exit: 1 });
    await json(z.object({ restored: z.literal(1) }), "restore", id);
    await json(Exported, "export", id, "--to", out);
  });

  it("says what this machine offers", async () => {
    const Doctor = z.object({
      node: z.string(),
      onnxruntime: z.string(),
      providers: z.array(
        z.object({ name: z.string(), available: z.boolean(), reason: z.string().optional() }),
      ),
      comfy: z.array(z.unknown()),
    });
    const found = await processJson(Doctor, "doctor");
    expect(found.node).toBe(process.version);
    expect(found.providers.some(({ available }) => available)).toBe(true);
    expect(found.comfy).toEqual([]);
  });

  it("trains for a moment where it is asked to, and says on what", async () => {
    const Doctor = z.object({ training: TrainResult, engines: z.array(z.unknown()).length(4) });
    const { training } = await json(Doctor, "doctor", "--train", "--provider", "cpu");
    expect(training).toMatchObject({ steps: 500, provider: "cpu", passedOver: [] });
    expect(training.loss).toBeLessThan(0.3 * (training.curve[0]?.loss ?? 0));
    // A provider that this platform never has.
    const other = process.platform === "win32" ? "coreml" : "dml";
    const refused = await failure("doctor", "--train", "--provider", other);
    expect(refused).toMatchObject({ exit: 1, code: "unsupported" });
  });

  it("makes a picture with a model and a LoRA, and says what was applied", async () => {
    const checkpoint = join(folder, "tiny.safetensors");
    writeTinyCheckpoint(checkpoint, { family: "sdxl" });
    const lora = join(folder, "someone.safetensors");
    writeLoraFile({
      ...{ lora: tinyLora("sdxl", 7), to: lora, dialect: "kohya", dtype: "f16" },
      ...{ metadata: {}, overwrite: true },
    });
    const Models = z.object({ models: z.array(z.object({ id: z.string(), name: z.string() })) });
    const [model] = (await json(Models, "models", "--add", checkpoint)).models;
    const Made = z.object({
      path: z.string(),
      seconds: z.number(),
      steps: z.literal(2),
      provider: z.string(),
      loras: z.array(z.object({ name: z.string(), applied: z.int(), total: z.int() })),
    });
    const file = join(folder, "picture.png");
    const words = ["--prompt", "a portrait", "--steps", "2", "--size", "64x96", "--out", file];
    const asked = ["preview", "--model", model?.id ?? "", "--lora", `${lora}:0.01`, ...words];
    const made = await json(Made, ...asked);
    const total = tinyLora("sdxl", 7).modules.length;
    expect(made.loras).toEqual([{ name: "someone.safetensors", applied: total, total }]);
    expect(await sharp(made.path).metadata()).toMatchObject({ width: 64, height: 96 });
    expect(await failure(...asked)).toMatchObject({ exit: 2 });
    expect(await failure(...asked, "--overwrite", "--size", "65x96")).toMatchObject({
      exit: 1,
      code: "invalid-argument",
    });
  });

  it("names the file and the fault, and ends with 1", async () => {
    const broken = join(folder, "loras", "broken.safetensors");
    expect(await failure("inspect", broken)).toMatchObject({ exit: 1, path: broken });
    expect(await failure("inspect", join(folder, "nothing.safetensors"))).toMatchObject({
      exit: 1,
      code: "not-found",
    });
    expect(await failure("import", broken)).toMatchObject({ exit: 1, path: broken });
    expect(await failure("export", "nobody", "--to", out)).toMatchObject({
      exit: 1,
      code: "not-found",
    });
    expect(await failure("export", ids[0] ?? "", "--to", join(folder, "a", "b"))).toMatchObject({
      exit: 1,
      code: "not-found",
    });
    expect(
      await failure("export", ids[0] ?? "", "--to", join(folder, "foreign.safetensors")),
    ).toMatchObject({ exit: 1, code: "invalid-argument" });
    expect(
      await failure("export", ids[0] ?? "", "--to", out, "--template", "{what}"),
    ).toMatchObject({ exit: 1, code: "invalid-argument" });
    expect(await failure("move", "--space", "nothing", "--set", "0=1")).toMatchObject({
      exit: 1,
      code: "not-found",
    });
    expect(await failure("move", "--space", "by delta", "--set", "17=1")).toMatchObject({
      exit: 2,
      code: "usage",
    });
    const words = await facet("inspect", broken, "--library", library);
    expect(words).toMatchObject({ code: 1, stdout: "" });
    expect(words.stderr).toContain("broken.safetensors");
  });
});
