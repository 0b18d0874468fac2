/** Exported tensors, read back by a reader that shares nothing with the writer, and by the product's own. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { embeddingsFate } from "../../../src-main/core/lora/embeddings.ts";
import { columns } from "../../../src-main/core/lora/lora.ts";
import type { Embedding, Lora, LoraModule, ModuleShape } from "../../../src-main/core/lora/lora.ts";
import { readLora } from "../../../src-main/core/lora/read.ts";
import { planLora } from "../../../src-main/core/lora/write.ts";
import { readIndependently } from "../../support/independent-reader.ts";
import { plannedFile } from "../../support/memory-file.ts";
import { randomLora } from "../../support/random-lora.ts";

/** Some of everything: linear, 1x1 and 3x3 convolutions, samplers, embeddings, all encoders, first and last blocks. */
function mixed({ path }: ModuleShape): boolean {
  return [
    /^unet\.(conv_|time_embedding\.linear_1)/,
    /^unet\.down_blocks\.0\.(resnets\.0\.conv1|downsamplers)/,
    /^unet\.down_blocks\.1\.attentions\.0\.(proj_|transformer_blocks\.[01]\.(attn|ff\.net\.2))/,
    /^unet\.mid_block\.attentions\.0\.transformer_blocks\.[09]\.attn2\.to_[kv]/,
    /^unet\.up_blocks\.[12]\.resnets\.2\.(conv_shortcut|time_emb_proj)/,
    /^text_encoder\..*layers\.(0|11)\.self_attn/,
    /^text_encoder_2\..*layers\.31\.self_attn\.[qk]/,
    /add_embedding\.linear_1|text_projection/,
  ].some((pattern) => pattern.test(path));
}

const cases = (["sdxl", "sd15"] as const).flatMap((family) =>
  (["kohya", "kohya-diffusers", "peft"] as const).map((dialect) => [family, dialect] as const),
);

describe.each(cases)("%s as %s", (family, dialect) => {
  const lora = randomLora(family, 7, { rank: 2, where: mixed });
  const file = plannedFile(planLora(lora, dialect, "F32"));

  it("holds the same deltas for a reader written from the format reference", () => {
    const named =
      dialect === "peft"
        ? "peft"
        : dialect === "kohya" && family === "sdxl"
          ? "kohya-sgm"
          : "kohya-diffusers";
    const { deltas } = readIndependently(file, family, named);
    expect(deltas.size).toBe(lora.modules.length);
    for (const module of lora.modules) {
      expect(largestDifference(deltas.get(module.path), module), module.path).toBeLessThan(1e-5);
    }
  });

  it("is read again as exactly what was written", () => {
    const { lora: again, report } = readLora(file);
    expect(report.unmatched).toEqual([]);
    expect(report.family).toBe(family);
    expect(again.modules).toEqual(lora.modules);
  });

  it("writes an alpha equal to the rank for every module where the format has a place for it", () => {
    const alphas = [...file.tensors.keys()].filter((key) => key.endsWith(".alpha"));
    expect(alphas).toHaveLength(dialect === "peft" ? 0 : lora.modules.length);
    for (const key of alphas) expect([...file.readFloat32(key)]).toEqual([2]);
    // diffusers refuses any name without this word.
    if (dialect === "peft")
      expect([...file.tensors.keys()].every((key) => key.includes("lora"))).toBe(true);
  });
});

it("names every module of both families in every dialect without a clash", () => {
  for (const [family, dialect] of cases) {
    const names = planLora(emptyLora(family), dialect, "F16").map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  }
});

it.each(["kohya", "kohya-diffusers"] as const)(
  "shares one alpha in %s where ranks differ, and every delta stays",
  (dialect) => {
    const attention = ({ path }: ModuleShape) =>
      path.includes("down_blocks.1.attentions.0.transformer_blocks.0.attn2");
    const resnet = ({ path }: ModuleShape) => path.includes("down_blocks.1.resnets.0");
    const lora: Lora = {
      family: "sdxl",
      embeddings: [],
      modules: [
        ...randomLora("sdxl", 3, { rank: 5, where: attention }).modules,
        ...randomLora("sdxl", 4, { rank: 3, where: resnet }).modules.slice(0, 3),
      ],
    };
    const file = plannedFile(planLora(lora, dialect, "F32"));
    const alphas = [...file.tensors.keys()].filter((key) => key.endsWith(".alpha"));
    expect(alphas).toHaveLength(7);
    for (const key of alphas) expect([...file.readFloat32(key)]).toEqual([5]);
    const { deltas } = readIndependently(file, "sdxl", dialect === "kohya" ? "kohya-sgm" : dialect);
    for (const module of lora.modules) {
      expect(largestDifference(deltas.get(module.path), module), module.path).toBeLessThan(1e-5);
    }
  },
);

it("keeps an alpha exact that the element type would round", () => {
  const odd = planLora(ofRank(257), "kohya", "BF16").find(({ name }) => name.endsWith(".alpha"));
  expect(odd?.dtype).toBe("F32");
  const even = planLora(ofRank(320), "kohya", "BF16").find(({ name }) => name.endsWith(".alpha"));
  expect(even?.dtype).toBe("BF16");
  const half = planLora(ofRank(257), "kohya", "F16").find(({ name }) => name.endsWith(".alpha"));
  expect(half?.dtype).toBe("F16");
});

it("reads back any subset of modules at any rank", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("sdxl" as const, "sd15" as const),
      fc.constantFrom("kohya" as const, "kohya-diffusers" as const, "peft" as const),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      (family, dialect, rank, seed) => {
        // attn2 tells the family, as in any real file; a handful of others beside it.
        const lora = randomLora(family, seed, {
          rank,
          where: ({ path }) =>
            (path.length * 31 + seed) % 97 === 0 ||
            path.endsWith("up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"),
        });
        const { lora: again } = readLora(plannedFile(planLora(lora, dialect, "F32")));
        expect(again).toEqual(lora);
      },
    ),
    { numRuns: 15 },
  );
});

describe("embeddings", () => {
  const one = (token: string, component: Embedding["component"]): Embedding => {
    const width = component === "text_encoder" ? 768 : 1280;
    return { token, component, shape: [2, width], values: new Float32Array(2 * width).fill(0.25) };
  };
  const query = ({ path }: ModuleShape): boolean =>
    path.endsWith("mid_block.attentions.0.transformer_blocks.0.attn2.to_k");

  it("are bundled in kohya's files of SD1.5 and read again", () => {
    const lora = randomLora("sd15", 1, { where: query, embeddings: [one("<s1>", "text_encoder")] });
    const file = plannedFile(planLora(lora, "kohya", "F32"));
    expect(readIndependently(file, "sd15", "kohya-diffusers").embeddings).toEqual(
      new Map([["bundle_emb.<s1>.string_to_param.*", [2, 768]]]),
    );
    expect(readLora(file).lora.embeddings).toEqual(lora.embeddings);
    expect(embeddingsFate(lora, "kohya")).toMatch(/<s1>.*bundled/);
  });

  it("need both encoders in SDXL, and are left out with a word where one is missing", () => {
    const lora = randomLora("sdxl", 1, {
      where: query,
      embeddings: [
        one("ana", "text_encoder"),
        one("ana", "text_encoder_2"),
        one("eva", "text_encoder"),
      ],
    });
    const file = plannedFile(planLora(lora, "kohya", "F32"));
    expect([...readIndependently(file, "sdxl", "kohya-sgm").embeddings.keys()]).toEqual([
      "bundle_emb.ana.clip_l",
      "bundle_emb.ana.clip_g",
    ]);
    expect(
      readLora(file).lora.embeddings.map(({ token, component }) => [token, component]),
    ).toEqual([
      ["ana", "text_encoder"],
      ["ana", "text_encoder_2"],
    ]);
    expect(embeddingsFate(lora, "kohya")).toMatch(/eva is left out/);
  });

  it("have no place in PEFT files, and the sentence says so", () => {
    const lora = randomLora("sd15", 1, { where: query, embeddings: [one("<s1>", "text_encoder")] });
    const file = plannedFile(planLora(lora, "peft", "F32"));
    expect([...file.tensors.keys()].some((key) => key.includes("s1"))).toBe(false);
    expect(embeddingsFate(lora, "peft")).toMatch(/<s1> is left out/);
    expect(embeddingsFate({ ...lora, embeddings: [] }, "peft")).toBe("");
  });
});

function largestDifference(delta: Float64Array | undefined, module: LoraModule): number {
  if (!delta) return Number.POSITIVE_INFINITY;
  const width = columns(module);
  let largest = 0;
  for (let o = 0; o < module.out; o++) {
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let r = 0; r < module.rank; r++) {
        sum += (module.up[o * module.rank + r] ?? 0) * (module.down[r * width + i] ?? 0);
      }
      largest = Math.max(largest, Math.abs(sum - (delta[o * width + i] ?? Number.NaN)));
    }
  }
  return largest;
}

/** All modules, without numbers: names and shapes only. */
function emptyLora(family: "sdxl" | "sd15"): Lora {
  const { modules, embeddings } = randomLora(family, 0, { rank: 0 });
  return { family, embeddings, modules: modules.map((module) => ({ ...module, rank: 1 })) };
}

function ofRank(rank: number): Lora {
  return randomLora("sd15", 0, {
    rank,
    where: ({ path }) => path.endsWith("mid_block.attentions.0.transformer_blocks.0.attn2.to_k"),
  });
}
