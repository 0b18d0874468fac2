/** LoRAs of a small model through the whole studio: import, space, points, blends and export, beside published ones. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Draft } from "../../src-preload/contract/identities.ts";
import { ExportResult } from "../../src-preload/contract/exports.ts";
import { FitResult } from "../../src-preload/contract/spaces.ts";
import { compose, type Studio } from "../../src-main/compose.ts";
import { encodeSafetensors } from "../../src-main/core/formats/safetensors/write.ts";
import { deltaInner } from "../../src-main/core/lora/forms/delta.ts";
import type { Lora, ModuleShape } from "../../src-main/core/lora/lora.ts";
import { planLora, type WrittenDialect } from "../../src-main/core/lora/write.ts";
import { writeAtomically } from "../../src-main/files/atomic-write.ts";
import { inspectFile, openLora } from "../../src-main/files/lora-file.ts";
import { jobEnd } from "../support/job-end.ts";
import { randomLora, tinyLora } from "../support/random-lora.ts";

let folder = "";
let studio: Studio;
const ids = new Map<string, string>();
const tiny = ["a", "b", "c", "d", "e"] as const;
const made = new Map<string, Lora>();

const finished = (id: string) => jobEnd(studio, id);

function write(name: string, lora: Lora, dialect: WrittenDialect): void {
  const path = join(folder, "files", `${name}.safetensors`);
  writeAtomically(path, encodeSafetensors(planLora(lora, dialect, "F32"), {}).chunks, {
    overwrite: false,
  });
  made.set(name, lora);
}

function idOf(name: string): string {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`no identity ${name}`);
  return id;
}

async function exported(id: string, dialect: WrittenDialect): Promise<string> {
  const to = join(folder, "out");
  const options = { dtype: "f32", dialect, existing: "number" } as const;
  const job = await finished((await studio.client.exports.start({ ids: [id], to, options })).job);
  const [file] = ExportResult.parse(job.result).files;
  if (file === undefined) throw new Error(`nothing was exported: ${JSON.stringify(job)}`);
  return file.path;
}

function distance(one: Lora, other: Lora): number {
  const [a, b, cross] = [deltaInner(one, one), deltaInner(other, other), deltaInner(one, other)];
  return Math.sqrt(Math.max(0, a + b - 2 * cross) / a);
}

/** Enough to tell every width of the UNet and to have both text encoders, and no more: a delta space fits each module. */
const some = ({ path }: ModuleShape): boolean =>
  /\.attentions\.0\..*\.attn2\.to_[qk]$|conv_in$|layers\.0\.mlp\.fc1$/.test(path);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "facet-widths-"));
  mkdirSync(join(folder, "files"));
  for (const [index, name] of tiny.entries()) {
    const dialect = (["kohya", "kohya-diffusers", "peft"] as const)[index % 3] ?? "kohya";
    write(name, tinyLora("sdxl", index + 1, { rank: 3, where: some }), dialect);
  }
  const where = (module: ModuleShape): boolean =>
    some(module) && module.path.includes("down_blocks.1.attentions.0.");
  for (const name of ["whole 1", "whole 2"]) {
    write(name, randomLora("sdxl", name.length, { rank: 2, where }), "kohya");
  }
  studio = await compose({ library: join(folder, "library") });
  await finished((await studio.client.library.import({ paths: [join(folder, "files")] })).job);
  for (const id of await studio.client.library.ids({})) {
    ids.set((await studio.client.library.get({ id })).name, id);
  }
});

afterAll(async () => {
  await studio.close();
  rmSync(folder, { recursive: true, force: true });
});

async function fitted(names: readonly string[], form: "aligned" | "delta") {
  const members = names.map(idOf);
  const { job } = await studio.client.spaces.fit({ members, form, rank: 3 });
  return finished(job);
}

describe("LoRAs of a small SDXL", () => {
  it("stand in the library with their widths", async () => {
    const details = await studio.client.library.get({ id: idOf("a") });
    expect(details).toMatchObject({
      family: "sdxl",
      trouble: null,
      inspection: { widths: "32 / 64 / 128", unmatched: [] },
    });
    expect(await studio.client.library.get({ id: idOf("whole 1") })).toMatchObject({
      inspection: { widths: null },
    });
  });

  it.each(["aligned", "delta"] as const)(
    "make a space of the %s form, whose points are LoRAs of that model",
    async (form) => {
      const fit = await fitted(tiny, form);
      expect(fit).toMatchObject({ state: "done", result: { members: tiny.length, skipped: [] } });
      const { space } = FitResult.parse(fit.result);
      const parents = [
        { id: idOf("a"), weight: 0.6 },
        { id: idOf("b"), weight: 0.4 },
      ];
      const drafts: Draft[] = [
        { kind: "point", space, from: idOf("a"), coordinates: [1, -0.5] },
        { kind: "sample", space, seed: 1, index: 0 },
        { kind: "blend", mode: "latent", parents },
        { kind: "blend", mode: "delta", parents },
      ];
      for (const [index, draft] of drafts.entries()) {
        const name = `${form} ${index}`;
        const { id } = await studio.client.identities.keep({ draft, name });
        expect(await studio.client.identities.measure(draft)).toMatchObject({ rank: 3 });
        const files = [await exported(id, "kohya"), await exported(id, "peft")];
        for (const file of files) {
          expect(inspectFile(file)).toMatchObject({ family: "sdxl", widths: "32 / 64 / 128" });
        }
        const [one, two] = files.map((file) => openLora(file));
        expect(one?.modules.length).toBe(made.get("a")?.modules.length);
        expect(one && two && distance(one, two)).toBeLessThan(1e-3);
      }
    },
  );

  it("are copied as they are", async () => {
    const original = made.get("a");
    const copy = openLora(await exported(idOf("a"), "peft"));
    expect(original && distance(original, copy)).toBeLessThan(1e-3);
  });

  it("do not mix with the published ones: both widths are named", async () => {
    const parents = [
      { id: idOf("a"), weight: 0.5 },
      { id: idOf("whole 1"), weight: 0.5 },
    ];
    const both = /(320 \/ 640 \/ 1280.*32 \/ 64 \/ 128)|(32 \/ 64 \/ 128.*320 \/ 640 \/ 1280)/;
    await expect(
      studio.client.identities.measure({ kind: "blend", mode: "delta", parents }),
    ).rejects.toThrow(both);
    const fit = await fitted(["a", "b", "whole 1"], "aligned");
    expect(FitResult.parse(fit.result).skipped).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(both) as string }),
    ]);
  });

  it("leave the blends of published ones alone, though the newest space is theirs", async () => {
    const parents = [
      { id: idOf("whole 1"), weight: 0.5 },
      { id: idOf("whole 2"), weight: 0.5 },
    ];
    const draft: Draft = { kind: "blend", mode: "delta", parents };
    expect(await studio.client.identities.measure(draft)).toMatchObject({ difference: null });
    await expect(
      studio.client.identities.measure({ ...draft, mode: "latent" }),
    ).rejects.toMatchObject({ message: expect.stringContaining("family and widths") as string });
  });
});
