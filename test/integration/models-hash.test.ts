/** The job that hashes models: paused and resumed, taken up by another engine, beside other work, over changed files. */
import { createHash } from "node:crypto";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { FacetError } from "../../src-main/core/errors.ts";
import { PartedHashes } from "../../src-main/engine/tasks/hash-part.ts";
import type { ModelFile } from "../../src-preload/contract/engine.ts";
import { temporaryFolder } from "../support/library.ts";
import { countingEngine, testModels } from "../support/models/studio.ts";

/** A part and a half, and two and a bit, as the job cuts them. */
const part = 64 * 2 ** 20;
const description: ModelFile = {
  kind: "model",
  description: {
    kind: "diffusers",
    family: "sd15",
    widths: "32",
    prediction: "epsilon",
    zeroTerminalSnr: false,
    dtypes: ["F16"],
    tensors: 1,
    extras: [],
    extrasTotal: 0,
    needs: [],
    licence: null,
    factor: 8,
    files: ["unet/a.safetensors", "vae/b.safetensors"],
    hasVae: true,
  },
};

/** A pipeline of zeros: what is in the files matters to nobody here but the hash. */
async function pipeline() {
  const folder = await temporaryFolder();
  const path = join(folder, "home", "ComfyUI", "models", "diffusers", "p");
  const sums: string[] = [];
  for (const [name, bytes] of [
    ["unet/a.safetensors", 1.5 * part],
    ["vae/b.safetensors", 1000],
  ] as const) {
    await mkdir(join(path, name, ".."), { recursive: true });
    const zeros = Buffer.alloc(bytes);
    await writeFile(join(path, name), zeros);
    sums.push(`${createHash("sha256").update(zeros).digest("hex")}  ${name}\n`);
  }
  await writeFile(join(path, "model_index.json"), "{}");
  const engine = countingEngine();
  engine.describeModel = () => Promise.resolve(description);
  return { folder, path, engine, sha256: createHash("sha256").update(sums.join("")).digest("hex") };
}

it("goes on after a pause without reading anything twice", async () => {
  const { folder, engine, sha256 } = await pipeline();
  const { models, jobs } = await testModels(folder, { engine });
  const { id } = await models.placeOf((await models.list()).models[0]?.id);
  const first = Promise.withResolvers<void>();
  const hashPart = engine.hashPart.bind(engine);
  engine.hashPart = async (input, options) => {
    const answer = await hashPart(input, options);
    if (engine.parts.count === 1) {
      jobs.pause(job);
      first.resolve();
    }
    return answer;
  };
  const job = await models.hash(id);
  await first.promise;
  await expect
    .poll(() => jobs.get(job))
    .toMatchObject({ state: "paused", done: part, unit: "bytes" });
  expect(engine.parts.count).toBe(1);
  jobs.resume(job);
  expect(await jobs.ended(job)).toMatchObject({ state: "done", result: { sha256 } });
  expect(engine.parts.count).toBe(3);
});

it("begins a file again where another engine answers", async () => {
  const { folder, engine, sha256 } = await pipeline();
  const { models, jobs } = await testModels(folder, { engine });
  const { id } = await models.placeOf((await models.list()).models[0]?.id);
  let hashes = new PartedHashes();
  let asked = 0;
  engine.hashPart = async (input, options) => {
    asked += 1;
    // It ends once in the first file's second part; the next one knows nothing of the first part.
    if (asked === 2) {
      hashes = new PartedHashes();
      throw new FacetError("engine-unavailable", "The engine ended.");
    }
    return hashes.part(input, options?.signal);
  };
  const job = await models.hash(id);
  expect(await jobs.ended(job)).toMatchObject({ state: "done", result: { sha256 } });
  expect(asked).toBe(5);
});

it("keeps the files that are done when it fails in a later one", async () => {
  const { folder, path, engine, sha256 } = await pipeline();
  const { models, jobs } = await testModels(folder, { engine });
  const { id } = await models.placeOf((await models.list()).models[0]?.id);
  const hashPart = engine.hashPart.bind(engine);
  engine.hashPart = (input, options) =>
    input.path.endsWith("b.safetensors")
      ? Promise.reject(new FacetError("not-readable", "The disk is away.", { path: input.path }))
      : hashPart(input, options);
  const job = await models.hash(id);
  expect(await jobs.ended(job)).toMatchObject({
    state: "failed",
    failure: { code: "not-readable" },
  });
  const asked: string[] = [];
  engine.hashPart = (input, options) => {
    asked.push(input.path);
    return hashPart(input, options);
  };
  jobs.resume(job);
  await expect.poll(() => jobs.get(job)).toMatchObject({ state: "done", result: { sha256 } });
  expect(asked).toEqual([join(path, "vae/b.safetensors")]);
});

it("fails where the files change meanwhile, and stops when it is told to", async () => {
  const { folder, path, engine } = await pipeline();
  const { models, jobs } = await testModels(folder, { engine });
  const { id } = await models.placeOf((await models.list()).models[0]?.id);
  const hashPart = engine.hashPart.bind(engine);
  engine.hashPart = async (input, options) => {
    await appendFile(join(path, "vae/b.safetensors"), "x");
    return hashPart(input, options);
  };
  const changed = await jobs.ended(await models.hash(id));
  expect(changed).toMatchObject({ state: "failed", failure: { code: "not-readable", path } });
  expect((await models.list()).models[0]?.sha256).toBeNull();

  const begun = Promise.withResolvers<void>();
  engine.hashPart = (input, options) => {
    begun.resolve();
    return hashPart(input, options);
  };
  const job = await models.hash(id);
  await begun.promise;
  jobs.cancel(job);
  expect(await jobs.ended(job)).toMatchObject({ state: "cancelled" });
});

it("is taken up at the next start, and rests beside other work", async () => {
  const { folder, engine, sha256 } = await pipeline();
  const { id } = await (async () => {
    const { models, close } = await testModels(folder, { engine });
    const found = await models.placeOf((await models.list()).models[0]?.id);
    const begun = Promise.withResolvers<void>();
    const stuck = {
      ...engine,
      hashPart: (_: unknown, options?: { signal?: AbortSignal }) => {
        begun.resolve();
        return new Promise<never>((_done, reject) =>
          options?.signal?.addEventListener(
            "abort",
            () => reject(new FacetError("cancelled", "Stopped.")),
            { once: true },
          ),
        );
      },
    };
    engine.hashPart = stuck.hashPart;
    await models.hash(found.id);
    await begun.promise;
    await close();
    return found;
  })();
  const fresh = countingEngine();
  fresh.describeModel = () => Promise.resolve(description);
  const { models, jobs } = await testModels(folder, { engine: fresh, times: { hash: 5 } });
  const other = Promise.withResolvers<void>();
  jobs.define("fit", { data: z.unknown(), result: z.unknown(), run: () => other.promise });
  const fit = jobs.start("fit", "Other work", {});
  await expect
    .poll(async () => (await models.list()).models[0]?.sha256, { timeout: 10_000 })
    .toBe(sha256);
  expect(jobs.get(fit).state).toBe("running");
  expect(jobs.list().find(({ kind }) => kind === "hash-model")).toMatchObject({
    state: "done",
    result: { id },
  });
  other.resolve();
});
