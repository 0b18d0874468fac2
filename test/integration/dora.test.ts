/** A DoRA in the studio: known and read like any LoRA, exported by copy, and refused in words where it cannot be treated. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ExportResult } from "../../src-preload/contract/exports.ts";
import { compose, type Studio } from "../../src-main/compose.ts";
import { encodeSafetensors } from "../../src-main/core/formats/safetensors/write.ts";
import type { Lora } from "../../src-main/core/lora/lora.ts";
import { planLora } from "../../src-main/core/lora/write.ts";
import { writeAtomically } from "../../src-main/files/atomic-write.ts";
import { openLora } from "../../src-main/files/lora-file.ts";
import { jobEnd } from "../support/job-end.ts";
import { tinyLora } from "../support/random-lora.ts";

let folder = "";
let studio: Studio;

const finished = (id: string) => jobEnd(studio, id);

const plain = tinyLora("sd15", 1, {
  rank: 2,
  where: ({ path }) => /down_blocks\.0\..*attn[12]\.to_/.test(path),
});
const dora: Lora = {
  ...plain,
  modules: plain.modules.map((module) => ({
    ...module,
    magnitude: { axis: "out", values: new Float32Array(module.out).fill(1.5) },
  })),
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "facet-dora-"));
  const planned = planLora(plain, "kohya", "F32");
  writeAtomically(join(folder, "plain.safetensors"), encodeSafetensors(planned, {}).chunks, {
    overwrite: false,
  });
  const scales = planned.flatMap(({ name, shape }) =>
    name.endsWith(".lora_up.weight")
      ? {
          name: name.replace(".lora_up.weight", ".dora_scale"),
          dtype: "F32" as const,
          shape: [shape[0] ?? 0, 1],
          values: () => new Float32Array(shape[0] ?? 0).fill(1.5),
        }
      : [],
  );
  writeAtomically(
    join(folder, "dora.safetensors"),
    encodeSafetensors([...planned, ...scales], {}).chunks,
    { overwrite: false },
  );
  studio = await compose({ library: join(folder, "library") });
  const paths = ["plain", "dora"].map((name) => join(folder, `${name}.safetensors`));
  await finished((await studio.client.library.import({ paths })).job);
  // The read job follows by itself.
  while ((await studio.client.library.overview()).unread > 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

afterAll(async () => {
  await studio.close();
  rmSync(folder, { recursive: true, force: true });
});

it("is known by name, exported by copy, and told where it cannot go", async () => {
  const { client } = studio;
  const [first, second] = (await client.library.list({ sort: "name" })).cards;
  if (first === undefined || second === undefined) throw new Error("two were imported");
  expect(first).toMatchObject({
    name: "dora",
    trouble: expect.stringContaining("For pictures only") as string,
  });
  expect(second).toMatchObject({ name: "plain", trouble: null });
  const { id } = first;
  expect(await client.library.get({ id })).toMatchObject({
    inspection: { needsBase: ["dora"], adapters: ["lora", "dora"] },
  });

  const to = join(folder, "out");
  const start = async (dialect: "kohya" | "peft", dtype: "f32" | "f16") => {
    const options = { dialect, dtype, existing: "number" } as const;
    return ExportResult.parse(
      (await finished((await client.exports.start({ ids: [id], to, options })).job)).result,
    );
  };
  const copy = (await start("kohya", "f32")).files[0];
  expect(openLora(copy?.path ?? "")).toEqual(dora);
  for (const [dialect, dtype] of [
    ["peft", "f32"],
    ["kohya", "f16"],
  ] as const) {
    const { files, failed } = await start(dialect, dtype);
    expect(files).toEqual([]);
    expect(failed).toEqual([
      expect.objectContaining({
        code: "needs-base-weight",
        reason: expect.stringContaining("in that format and its own precision") as string,
      }),
    ]);
  }

  const parents = [first, second].map((card) => ({ id: card.id, weight: 0.5 }));
  await expect(
    client.identities.measure({ kind: "blend", mode: "delta", parents }),
  ).rejects.toMatchObject({ code: "needs-base-weight" });
  await expect(client.identities.measure({ kind: "resize", id, rank: 1 })).rejects.toMatchObject({
    code: "needs-base-weight",
  });
});
