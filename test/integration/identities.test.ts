/** Identities from draft to file and back: the same numbers each time, and missing parents named. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Draft } from "../../src-preload/contract/identities.ts";
import { ExportResult } from "../../src-preload/contract/exports.ts";
import { compose, type Studio } from "../../src-main/compose.ts";
import { readSafetensors } from "../../src-main/core/formats/safetensors/read.ts";
import { openLora } from "../../src-main/files/lora-file.ts";
import { openFileSource } from "../../src-main/files/source.ts";
import { deltaInner } from "../../src-main/core/lora/forms/delta.ts";
import { jobEnd } from "../support/job-end.ts";
import { writeDemoCollection } from "../support/demo-loras.ts";
import { writeLora } from "../support/loras.ts";
import { readIndependently } from "../support/independent-reader.ts";

let folder = "";
let studio: Studio;
let space = "";
let ids: string[] = [];

const finished = (id: string) => jobEnd(studio, id);

async function exported(id: string): Promise<string> {
  const to = join(folder, "out");
  const options = { dtype: "f32", existing: "number" } as const;
  const job = await finished((await studio.client.exports.start({ ids: [id], to, options })).job);
  const [file] = ExportResult.parse(job.result).files;
  if (file === undefined) throw new Error(`nothing was exported: ${JSON.stringify(job)}`);
  return file.path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "facet-identities-"));
  writeDemoCollection(join(folder, "people"), 12);
  studio = await compose({ library: join(folder, "library") });
  await finished((await studio.client.library.import({ paths: [join(folder, "people")] })).job);
  ids = await studio.client.library.ids({ sort: "name" });
  const fit = await finished(
    (await studio.client.spaces.fit({ members: ids, form: "aligned", components: 6 })).job,
  );
  expect(fit).toMatchObject({ state: "done" });
  space = (await studio.client.spaces.list())[0]?.id ?? "";
});

afterAll(async () => {
  await studio.close();
  rmSync(folder, { recursive: true, force: true });
});

function deltasOf(path: string): ReadonlyMap<string, Float64Array> {
  using source = openFileSource(path);
  return readIndependently(readSafetensors(source), "sd15", "kohya-diffusers").deltas;
}

function drafts(): [string, Draft][] {
  const [a = "", b = "", c = ""] = ids;
  const parents = [
    { id: a, weight: 0.5 },
    { id: b, weight: 0.3 },
    { id: c, weight: 0.2 },
  ];
  return [
    ["move", { kind: "point", space, from: a, coordinates: [1.5, 0, -0.5] }],
    ["latent", { kind: "blend", mode: "latent", parents }],
    ["slerp", { kind: "blend", mode: "slerp", parents }],
    ["delta", { kind: "blend", mode: "delta", parents }],
    ["sample", { kind: "sample", space, seed: 3, index: 1 }],
    ["project", { kind: "project", space, id: b }],
    ["resize", { kind: "resize", id: c, rank: 2 }],
  ];
}

describe("keep", () => {
  it("makes recipes that give the same bytes again, by hash and by file", async () => {
    for (const [name, draft] of drafts()) {
      const { id } = await studio.client.identities.keep({ draft, name });
      const verified = await studio.client.identities.verify({ id });
      expect(verified, name).toMatchObject({ same: true });
      const [one, two] = [await exported(id), await exported(id)];
      expect(one).not.toBe(two);
      const data = (path: string) => {
        const bytes = readFileSync(path);
        return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
      };
      expect(data(one).equals(data(two)), name).toBe(true);
    }
  });

  it("says what a draft is before it is kept", async () => {
    const measures = new Map<
      string,
      Awaited<ReturnType<typeof studio.client.identities.measure>>
    >();
    for (const [name, draft] of drafts()) {
      measures.set(name, await studio.client.identities.measure(draft));
    }
    expect(measures.get("move")).toMatchObject({
      residual: expect.any(Number),
      distance: expect.any(Number),
    });
    expect(measures.get("latent")?.difference).toBeGreaterThan(0);
    expect(measures.get("delta")).toMatchObject({
      difference: expect.any(Number),
      kept: expect.any(Number),
    });
    expect(measures.get("delta")?.kept).toBeGreaterThan(0.5);
    expect(measures.get("resize")).toMatchObject({ rank: 2 });
    expect(measures.get("sample")?.coordinates).toHaveLength(6);
  });
});

describe("a delta blend", () => {
  it("has the weighted sum of the parents' products, by an independent reader", async () => {
    const [a = "", b = ""] = ids;
    const rank = 8;
    const draft: Draft = {
      kind: "blend",
      mode: "delta",
      rank,
      parents: [
        { id: a, weight: 0.6 },
        { id: b, weight: 0.4 },
      ],
    };
    const { id } = await studio.client.identities.keep({ draft, name: "exact" });
    const made = deltasOf(await exported(id));
    const [left, right] = [deltasOf(await exported(a)), deltasOf(await exported(b))];
    expect([...made.keys()].toSorted()).toEqual([...left.keys()].toSorted());
    for (const [module, delta] of made) {
      let [error, size] = [0, 0];
      delta.forEach((value, at) => {
        const expected = 0.6 * (left.get(module)?.[at] ?? 0) + 0.4 * (right.get(module)?.[at] ?? 0);
        error += (value - expected) ** 2;
        size += expected ** 2;
      });
      expect(Math.sqrt(error / size), module).toBeLessThan(1e-4);
    }
  });
});

describe("missing parts", () => {
  it("are named: which parent, where it came from", async () => {
    const [a = "", b = ""] = ids;
    const { id } = await studio.client.identities.keep({
      draft: {
        kind: "blend",
        mode: "delta",
        parents: [
          { id: a, weight: 1 },
          { id: b, weight: 1 },
        ],
      },
      name: "orphan",
    });
    const { name } = await studio.client.library.get({ id: a });
    await studio.client.library.remove({ ids: [a] });
    // In the trash it still serves its children.
    expect((await studio.client.identities.verify({ id })).same).toBe(true);
    await studio.client.library.emptyTrash();
    const error: unknown = await studio.client.identities
      .verify({ id })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "missing-parent" });
    expect(String(error)).toContain(name);
  });

  it("come back by content: the same file imported again serves the recipe", async () => {
    const [, b = "", c = ""] = ids;
    const { id } = await studio.client.identities.keep({
      draft: {
        kind: "blend",
        mode: "delta",
        parents: [
          { id: b, weight: 1 },
          { id: c, weight: -0.5 },
        ],
      },
      name: "reborn",
    });
    await studio.client.library.remove({ ids: [c] });
    await studio.client.library.emptyTrash();
    await expect(studio.client.identities.verify({ id })).rejects.toMatchObject({
      code: "missing-parent",
    });
    await finished((await studio.client.library.import({ paths: [join(folder, "people")] })).job);
    await expect
      .poll(async () => (await studio.client.library.overview()).unread, { timeout: 20_000 })
      .toBe(0);
    expect((await studio.client.identities.verify({ id })).same).toBe(true);
  });
});

describe("an exported file", () => {
  it("opens again as the identity it was made from", async () => {
    const { id } = await studio.client.identities.keep({
      draft: { kind: "sample", space, seed: 9, index: 0 },
      name: "Round trip",
    });
    const path = await exported(id);
    const again = await studio.client.identities.reopen({ path });
    expect(again.recipe?.recipe).toMatchObject({
      kind: "point",
      origin: { kind: "sample", seed: 9 },
    });
    expect(JSON.stringify(again.recipe)).not.toContain(folder);
    const lora = openLora(path);
    expect(deltaInner(lora, lora)).toBeGreaterThan(0);
  });
});

describe("numbers that came out different", () => {
  it("are told when a recipe is exported", async () => {
    const { id } = await studio.client.identities.keep({
      draft: { kind: "sample", space, seed: 21, index: 0 },
      name: "Made elsewhere",
    });
    const path = await exported(id);
    const record = (await studio.client.library.get({ id })).recipe;
    if (record === null) throw new Error("a kept identity has a recipe");
    // As if another machine had kept it: everything but its numbers' hash.
    const other = { ...record, name: "Kept elsewhere", fingerprint: "0".repeat(64) };
    const lora = openLora(path);
    const foreign = join(folder, "elsewhere.safetensors");
    writeLora(foreign, lora, { "facet.recipe": JSON.stringify(other) });
    const opened = await studio.client.identities.reopen({ path: foreign });
    const job = await finished(
      (await studio.client.exports.start({ ids: [opened.id], to: folder, options: {} })).job,
    );
    expect(ExportResult.parse(job.result).files).toMatchObject([
      { notes: [expect.stringContaining("differ from when it was kept") as string] },
    ]);
  });
});
