/** LoRAs of models of other widths: written, read and told apart from damaged ones, for the tiny models of the tests. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../src-main/core/errors.ts";
import { modulesOf } from "../../../src-main/core/lora/architecture/index.ts";
import { inspectLora } from "../../../src-main/core/lora/inspect.ts";
import { type Family, families, type Lora } from "../../../src-main/core/lora/lora.ts";
import { mergeDelta } from "../../../src-main/core/lora/merge.ts";
import { readLora } from "../../../src-main/core/lora/read.ts";
import { planLora } from "../../../src-main/core/lora/write.ts";
import type { WrittenDialect } from "../../../src-main/core/lora/write.ts";
import { widthsOf } from "../../../src-main/core/lora/widths/infer.ts";
import { namedWidths } from "../../../src-main/core/lora/widths/words.ts";
import { flatten, layoutOf } from "../../../src-main/core/lora/flatten.ts";
import { tinyConfigs } from "../../support/models/tiny-configs.ts";
import { memoryFile, plannedFile } from "../../support/memory-file.ts";
import type { MemoryTensor } from "../../support/memory-file.ts";
import { loraFor, randomLora, tinyLora } from "../../support/random-lora.ts";

const dialects: readonly WrittenDialect[] = ["kohya", "kohya-diffusers", "peft"];
const named: Record<Family, string> = { sdxl: "32 / 64 / 128", sd15: "32 / 64 / 128 / 128" };

/** A file of the LoRA, some of its tensors changed. */
function fileOf(
  lora: Lora,
  dialect: WrittenDialect = "kohya",
  changes: Readonly<Record<string, MemoryTensor>> = {},
) {
  const file = plannedFile(planLora(lora, dialect, "F32"));
  const tensors: Record<string, MemoryTensor> = {};
  for (const { name, shape } of file.tensors.values()) {
    tensors[name] = { shape, values: file.readFloat32(name) };
  }
  return memoryFile({ ...tensors, ...changes });
}

function error(run: () => unknown): FacetError {
  try {
    run();
  } catch (caught) {
    if (caught instanceof FacetError) return caught;
    throw caught;
  }
  throw new Error("nothing was thrown");
}

const attention = ({ path }: { path: string }): boolean =>
  /^unet\..*\.attn[12]\.to_[qkv]$/.test(path);

describe.each(families)("a tiny %s LoRA", (family) => {
  it.each(dialects)("comes back from %s with every number", (dialect) => {
    const lora = tinyLora(family, 1);
    const file = fileOf(lora, dialect);
    expect(inspectLora(file)).toMatchObject({
      family,
      widths: named[family],
      modules: lora.modules.length,
      unmatched: [],
    });
    expect(readLora(file).lora).toEqual(lora);
  });

  it.each(dialects)("of nothing but attention is told in %s, too", (dialect) => {
    const lora = tinyLora(family, 2, { where: attention });
    const inspected = inspectLora(fileOf(lora, dialect));
    // The outermost level of SDXL has no attention.
    const widths = family === "sdxl" ? "? / 64 / 128" : "32 / 64 / 128 / 128";
    expect(inspected).toMatchObject({ family, widths });
    expect(readLora(fileOf(lora, dialect)).lora).toEqual(lora);
  });

  it("of text encoders alone is named by their widths", () => {
    const lora = tinyLora(family, 3, { where: ({ path }) => path.startsWith("text_encoder") });
    const { widths, family: found } = inspectLora(fileOf(lora));
    expect(found).toBe(family);
    expect(widths).toMatch(/^text encoder 1 32, text encoder 1's inner width 64/);
  });

  it("with one misshapen matrix is refused by its name, expected and found", () => {
    const lora = tinyLora(family, 4);
    const file = fileOf(lora);
    const name = [...file.tensors.keys()].find((key) => /attn2_to_k\.lora_down/.test(key)) ?? "";
    const context = tinyConfigs[family].unet.context;
    const thrown = error(() => inspectLora(fileOf(lora, "kohya", { [name]: { shape: [4, 100] } })));
    expect(thrown).toMatchObject({ code: "shape-mismatch", field: name });
    expect(thrown.message).toContain(`[rank, ${context}]`);
    expect(thrown.message).toContain("[4, 100]");
  });

  it("has embeddings as wide as its own text encoders", () => {
    const embeddings = tinyConfigs[family].textEncoders.map(({ component, width }) => ({
      token: "sks",
      component,
      shape: [2, width] as const,
      values: new Float32Array(2 * width).fill(width),
    }));
    const lora = tinyLora(family, 5, { embeddings });
    expect(readLora(fileOf(lora)).lora.embeddings).toEqual(embeddings);
  });
});

describe("any widths", () => {
  /** As many as a model takes, none a level of the published ones and no two alike. */
  const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 8, maxLength: 8 });
  const kinds = /conv_in|resnets\.1\.conv2|time_emb_proj|attn[12]\.to_[qkv]|ff\.net|fc[12]$/;

  function modelOf(family: Family, [a = 1, b = 1, c = 1, d = 1, ...rest]: readonly number[]) {
    const { unet, textEncoders } = tinyConfigs[family];
    const [time = 1, hidden = 1, first = 1, second = 1] = rest;
    const encoders = textEncoders.map((encoder, index) => {
      return { ...encoder, width: index === 0 ? first : second, hidden };
    });
    const context = encoders.reduce((sum, { width }) => sum + width, 0);
    const channels = [a, b, c, d].slice(0, unet.channels.length);
    return { family, unet: { ...unet, channels, context, time }, textEncoders: encoders };
  }

  it("are found, and one damaged matrix is found among them", () => {
    const cases = fc.tuple(fc.constantFrom(...families), sizes, fc.nat(), fc.nat());
    fc.assert(
      fc.property(cases, ([family, chosen, seed, at]) => {
        const where = ({ path }: { path: string }): boolean => kinds.test(path);
        const lora = loraFor(modelOf(family, chosen), seed, { rank: 1, where });
        const file = fileOf(lora);
        expect(readLora(file).lora).toEqual(lora);
        const names = [...file.tensors.keys()].filter((key) => key.endsWith("weight"));
        const name = names[at % names.length] ?? "";
        const [rows = 0, ...rest] = file.tensors.get(name)?.shape ?? [];
        const shape = name.includes("lora_up") ? [rows + 1, ...rest] : [rows, (rest[0] ?? 0) + 1];
        const damaged = fileOf(lora, "kohya", { [name]: { shape } });
        expect(error(() => inspectLora(damaged))).toMatchObject({
          code: "shape-mismatch",
          field: name,
        });
      }),
      { numRuns: 25 },
    );
  });
});

describe("other widths", () => {
  it("are none where a file fits the published ones, whole or in part", () => {
    for (const family of families) {
      const lora = randomLora(family, 1, { rank: 1, where: attention });
      expect(inspectLora(fileOf(lora)).widths).toBeNull();
      expect(namedWidths(family, widthsOf(family, modulesOf(family)))).toBeNull();
    }
  });

  it("are told where only the text context differs", () => {
    const { modules } = randomLora("sd15", 1, { rank: 1, where: attention });
    const lora: Lora = {
      family: "sd15",
      embeddings: [],
      modules: modules.map((module) =>
        module.in === 768 ? { ...module, in: 512, down: new Float32Array(512) } : module,
      ),
    };
    expect(inspectLora(fileOf(lora)).widths).toBe("text context 512");
    expect(readLora(fileOf(lora)).lora).toEqual(lora);
  });

  it("are read off sums of levels where nothing else tells one", () => {
    // Its input is the second level's skip and what comes from below; its output is the first level's.
    const where = ({ path }: { path: string }): boolean =>
      path === "unet.up_blocks.2.resnets.0.conv1" || path === "unet.time_embedding.linear_2";
    const widths = widthsOf("sdxl", tinyLora("sdxl", 1, { where }).modules);
    expect(namedWidths("sdxl", widths)).toBe("32 / 64 / ?");
  });

  it("fit LyCORIS kinds, too", () => {
    const key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to";
    const conv = "lora_unet_input_blocks_4_0_in_layers_2";
    const file = memoryFile({
      [`${key}_q.hada_w1_a`]: { shape: [64, 2] },
      [`${key}_q.hada_w1_b`]: { shape: [2, 64] },
      [`${key}_q.hada_w2_a`]: { shape: [64, 2] },
      [`${key}_q.hada_w2_b`]: { shape: [2, 64] },
      [`${key}_k.lokr_w1`]: { shape: [4, 4] },
      [`${key}_k.lokr_w2_a`]: { shape: [16, 2] },
      [`${key}_k.lokr_w2_b`]: { shape: [2, 16] },
      [`${key}_v.diff`]: { shape: [64, 64] },
      [`${conv}.lora_down.weight`]: { shape: [2, 32, 1, 1] },
      [`${conv}.lora_mid.weight`]: { shape: [2, 2, 3, 3] },
      [`${conv}.lora_up.weight`]: { shape: [64, 2, 1, 1] },
      "lora_unet_middle_block_1_transformer_blocks_1_attn1_to_q.lokr_w1": { shape: [8, 8] },
      "lora_unet_middle_block_1_transformer_blocks_1_attn1_to_q.lokr_w2": { shape: [16, 16] },
    });
    expect(inspectLora(file)).toMatchObject({ family: "sdxl", widths: "32 / 64 / 128" });
    expect(readLora(file).lora.modules.map(({ out }) => out)).toEqual([64, 64, 64, 64, 128]);
  });

  it("in names of both families are told by what agrees, then by what the file says", () => {
    const shared = (pattern: RegExp): Lora => {
      const where = ({ path }: { path: string }): boolean =>
        pattern.test(path) && attention({ path });
      return tinyLora("sdxl", 1, { where });
    };
    // Up block 1 is of SDXL's middle level and of SD1.5's third, as down block 2 would be there.
    const both = /unet\.(down_blocks\.[12]|mid_block|up_blocks\.1)\..*transformer_blocks\.0\./;
    expect(inspectLora(fileOf(shared(both), "peft")).family).toBe("sdxl");
    const open = plannedFile(planLora(shared(/down_blocks\.1\..*attn1/), "peft", "F32"));
    expect(error(() => inspectLora(open))).toMatchObject({ code: "unsupported" });
    const stated = { ...open, metadata: new Map([["ss_base_model_version", "sd_v1"]]) };
    expect(inspectLora(stated)).toMatchObject({ family: "sd15", widths: "? / 64 / ? / ?" });
  });

  it("of one lone side are damage", () => {
    const key = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k";
    const file = memoryFile(
      {
        [`${key}.lora_A.weight`]: { shape: [2, 700] },
        [`${key}.lora_B.weight`]: { shape: [640, 2] },
      },
      { ss_base_model_version: "sd_v1" },
    );
    expect(error(() => inspectLora(file))).toMatchObject({ code: "shape-mismatch" });
  });

  it("do not mix, in a blend or in a layout, and both are named", () => {
    const [tiny, whole] = [
      tinyLora("sdxl", 1, { rank: 1, where: attention }),
      randomLora("sdxl", 1, { rank: 1, where: attention }),
    ];
    const words = /\? \/ 64 \/ 128.*320 \/ 640 \/ 1280|320 \/ 640 \/ 1280.*\? \/ 64 \/ 128/;
    for (const run of [
      () => mergeDelta([tiny, whole], [0.5, 0.5], 1),
      () => mergeDelta([whole, tiny], [0.5, 0.5], 1),
      () => flatten(tiny, layoutOf("sdxl", whole.modules, 1)),
    ]) {
      const thrown = error(run);
      expect(thrown).toMatchObject({ code: "layout-mismatch" });
      expect(thrown.message).toMatch(words);
    }
    // Different modules of different models: no shape of the one can be held against one of the other.
    const down = { ...tiny, modules: tiny.modules.slice(0, 8) };
    const up = { ...whole, modules: whole.modules.slice(-8) };
    expect(error(() => mergeDelta([down, up], [1, 1], 1)).message).toMatch(
      /\? \/ 64 \/ \? and 320 \/ 640 \/ 1280/,
    );
  });
});
