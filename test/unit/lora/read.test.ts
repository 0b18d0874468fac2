/** What readLora makes of alphas and configurations, and what it and inspectLora refuse, by name and numbers. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../src-main/core/errors.ts";
import { inspectLora } from "../../../src-main/core/lora/inspect.ts";
import { readLora } from "../../../src-main/core/lora/read.ts";
import { filledFixture, fixtureFile, loraFixture } from "../../support/lora-fixtures.ts";
import { memoryFile } from "../../support/memory-file.ts";
import type { MemoryTensor } from "../../support/memory-file.ts";

const block = "down_blocks.1.attentions.0.transformer_blocks.0";
const kohya = `lora_unet_${block.replaceAll(".", "_")}_attn2_to_k`;

/** One cross-attention key matrix: 640 x 768 in SD1.5, 640 x 2048 in SDXL. */
function pair(
  {
    rank = 2,
    width = 768,
    out = 640,
    up = 1,
    down = 1,
  }: Partial<Record<"rank" | "width" | "out" | "up" | "down", number>> = {},
  name = kohya,
  suffixes: readonly [string, string] = [".lora_down.weight", ".lora_up.weight"],
): Record<string, MemoryTensor> {
  return {
    [name + suffixes[0]]: {
      shape: [rank, width],
      values: new Float32Array(rank * width).fill(down),
    },
    [name + suffixes[1]]: { shape: [out, rank], values: new Float32Array(out * rank).fill(up) },
  };
}
const peftSuffixes = [".lora_A.weight", ".lora_B.weight"] as const;

function error(run: () => unknown): FacetError {
  try {
    run();
  } catch (caught) {
    if (caught instanceof FacetError) return caught;
    throw caught;
  }
  throw new Error("nothing was thrown");
}

describe("alpha", () => {
  const scaleOf = (
    tensors: Record<string, MemoryTensor>,
    metadata = {},
    adapterConfig?: unknown,
  ): number =>
    readLora(memoryFile(tensors, metadata), { adapterConfig }).lora.modules[0]?.up[0] ?? Number.NaN;

  it("over rank multiplies; absent it is 1", () => {
    expect(scaleOf({ ...pair(), [`${kohya}.alpha`]: { shape: [], values: [8] } })).toBe(4);
    expect(scaleOf({ ...pair(), [`${kohya}.alpha`]: { shape: [1], values: [1] } })).toBe(0.5);
    expect(scaleOf(pair())).toBe(1);
  });

  it("of several numbers is refused", () => {
    const tensors = { ...pair(), [`${kohya}.alpha`]: { shape: [2], values: [8, 8] } };
    expect(error(() => scaleOf(tensors))).toMatchObject({
      code: "shape-mismatch",
      field: `${kohya}.alpha`,
    });
  });

  const unet = pair({}, `unet.${block}.attn2.to_k`, peftSuffixes);
  it("of a PEFT file comes from the configuration beside it", () => {
    expect(scaleOf(unet, {}, { r: 2, lora_alpha: 16 })).toBe(8);
    expect(scaleOf(unet, {}, { r: 2, lora_alpha: 16, use_rslora: true })).toBeCloseTo(
      16 / Math.SQRT2,
      5,
    );
    expect(scaleOf(unet, {}, { peft_type: "LORA" })).toBe(1);
    expect(scaleOf(unet, {}, null)).toBe(1);
  });

  it("follows the pattern that names the module, whole or by its end", () => {
    const config = (pattern: string) => ({ r: 2, lora_alpha: 16, alpha_pattern: { [pattern]: 6 } });
    expect(scaleOf(unet, {}, config(`${block}.attn2.to_k`))).toBe(3);
    expect(scaleOf(unet, {}, config("attn2.to_k"))).toBe(3);
    expect(scaleOf(unet, {}, config("to_k"))).toBe(3);
    // An end of a name's part is not an end of the name.
    expect(scaleOf(unet, {}, config("o_k"))).toBe(8);
    expect(scaleOf(unet, {}, config("attn1.to_k"))).toBe(8);
  });

  it("does not run a file's regular expressions", () => {
    const config = { lora_alpha: 16, alpha_pattern: { "(a+)+$": 6 } };
    expect(error(() => scaleOf(unet, {}, config))).toMatchObject({ code: "unsupported" });
  });

  it("in the header goes before the one beside, per component", () => {
    const metadata = {
      lora_adapter_metadata: JSON.stringify({ "unet.r": 2, "unet.lora_alpha": 10 }),
    };
    expect(scaleOf(unet, metadata, { lora_alpha: 16 })).toBe(5);
    const other = { lora_adapter_metadata: JSON.stringify({ "text_encoder.lora_alpha": 10 }) };
    expect(scaleOf(unet, other, { lora_alpha: 16 })).toBe(8);
    const { report } = readLora(memoryFile(unet, metadata));
    expect(report.alphas).toEqual([
      { source: "metadata", modules: 1, range: { min: 10, max: 10 } },
    ]);
  });

  it("in the header also counts for the older names, which diffusers' scripts still save", () => {
    const older = pair({}, `unet.${block}.attn2.to_k`, [".lora.down.weight", ".lora.up.weight"]);
    const metadata = { lora_adapter_metadata: JSON.stringify({ "unet.lora_alpha": 10 }) };
    expect(scaleOf(older, metadata)).toBe(5);
    expect(scaleOf(older)).toBe(1);
  });

  it("of a configuration means nothing to a kohya file, and less than a tensor", () => {
    expect(scaleOf(pair(), {}, { lora_alpha: 16 })).toBe(1);
    const tensors = { ...unet, [`unet.${block}.attn2.to_k.alpha`]: { shape: [], values: [6] } };
    expect(scaleOf(tensors, {}, { lora_alpha: 16 })).toBe(3);
  });

  it.each([
    ["not JSON", { lora_adapter_metadata: "{" }, undefined],
    ["no object", { lora_adapter_metadata: "[]" }, undefined],
    ["no number", {}, { lora_alpha: "16" }],
    ["a pattern that is no object", {}, { lora_alpha: 16, alpha_pattern: [1] }],
    ["a pattern without numbers", {}, { lora_alpha: 16, alpha_pattern: { to_k: "6" } }],
  ])("that is %s is malformed, with its field", (_, metadata, config) => {
    const thrown = error(() => scaleOf(unet, metadata, config));
    expect(thrown.code).toBe("malformed");
    expect(thrown.message).toMatch(/lora_adapter_metadata|adapter_config\.json/);
  });
});

describe("shapes", () => {
  it("give the family: the width of the text context", () => {
    expect(inspectLora(memoryFile(pair({ width: 768 }))).family).toBe("sd15");
    expect(inspectLora(memoryFile(pair({ width: 2048 }))).family).toBe("sdxl");
  });

  it("that leave the family open let kohya's numbers or the metadata speak, and are refused when nothing does", () => {
    const attention = `${block}.attn1.to_q`;
    const open = pair({ width: 640 }, `unet.${attention}`, peftSuffixes);
    expect(error(() => inspectLora(memoryFile(open)))).toMatchObject({
      code: "unsupported",
      field: "ss_base_model_version",
    });
    expect(inspectLora(memoryFile(open, { ss_base_model_version: "sdxl_base_v1-0" })).family).toBe(
      "sdxl",
    );
    expect(
      inspectLora(memoryFile(open, { "modelspec.architecture": "stable-diffusion-v1/lora" }))
        .family,
    ).toBe("sd15");
    const text = "text_model_encoder_layers_0_self_attn_q_proj";
    const size = { width: 768, out: 768 };
    expect(inspectLora(memoryFile(pair(size, `lora_te1_${text}`))).family).toBe("sdxl");
    expect(inspectLora(memoryFile(pair(size, `lora_te_${text}`))).family).toBe("sd15");
  });

  it.each([
    ["Stable Diffusion 2", pair({ width: 1024 })],
    [
      "Stable Diffusion 2",
      pair({ width: 1024, out: 1024 }, "lora_te_text_model_encoder_layers_0_self_attn_q_proj"),
    ],
    ["SDXL refiner", pair({ width: 1280, out: 768 })],
  ])("of %s are refused by its name", (name, tensors) => {
    const thrown = error(() => inspectLora(memoryFile(tensors, {}, "other.safetensors")));
    expect(thrown).toMatchObject({ code: "unsupported", path: "other.safetensors" });
    expect(thrown.message).toContain(name);
  });

  it("that do not fit are refused with the key, what was expected and what was found", () => {
    const fixture = loraFixture("kohya-diffusers-sd15");
    const key = `${kohya}.lora_down.weight`;
    const wrong = {
      ...fixture,
      tensors: { ...fixture.tensors, [key]: ["", 4, 700] as [string, ...number[]] },
    };
    const thrown = error(() => readLora(fixtureFile(wrong)));
    expect(thrown).toMatchObject({ code: "shape-mismatch", field: key });
    expect(thrown.message).toContain("[rank, 768]");
    expect(thrown.message).toContain("[4, 700]");
  });

  it("whose ranks disagree are refused with both", () => {
    const tensors = { ...pair(), [`${kohya}.lora_up.weight`]: { shape: [640, 3] } };
    expect(error(() => readLora(memoryFile(tensors)))).toMatchObject({
      code: "shape-mismatch",
      message: expect.stringMatching(/\[640, 2\].*\[640, 3\]/),
    });
  });

  it("of 1x1 convolutions are read with and without their kernel, and so are Linear ones", () => {
    const projection = "lora_unet_mid_block_attentions_0_proj_in";
    for (const kernel of [[], [1, 1]]) {
      const tensors = {
        ...pair(),
        [`${projection}.lora_down.weight`]: { shape: [2, 1280, ...kernel] },
        [`${projection}.lora_up.weight`]: { shape: [1280, 2, ...kernel] },
      };
      expect(inspectLora(memoryFile(tensors)).modules).toBe(2);
      const { lora } = readLora(memoryFile(tensors));
      expect(lora.modules.find(({ path }) => path.endsWith("proj_in"))?.rank).toBe(2);
    }
  });
});

describe("refusals", () => {
  it.each(["Infinity", "-Infinity", "NaN"])("%s in a matrix, with tensor and index", (text) => {
    const tensors = pair();
    const values = new Float32Array(1280);
    values[777] = Number(text);
    tensors[`${kohya}.lora_up.weight`] = { shape: [640, 2], values };
    const thrown = error(() => readLora(memoryFile(tensors)));
    expect(thrown).toMatchObject({ code: "not-finite", field: `${kohya}.lora_up.weight` });
    expect(thrown.message).toContain("777");
    expect(thrown.message).toContain(text);
    // The header alone cannot tell.
    expect(inspectLora(memoryFile(tensors)).modules).toBe(1);
  });

  it("half a pair, naming the half that is there", () => {
    const { [`${kohya}.lora_up.weight`]: _, ...half } = pair();
    const thrown = error(() => inspectLora(memoryFile(half)));
    expect(thrown).toMatchObject({ code: "malformed", field: `${kohya}.lora_down.weight` });
    expect(thrown.message).toContain("no up matrix");
  });

  it("one matrix by two names, and two adapters in one file", () => {
    const sgm = kohya.replace("down_blocks_1_attentions_0", "input_blocks_4_1");
    const thrown = error(() => inspectLora(memoryFile({ ...pair(), ...pair({}, sgm) })));
    expect(thrown).toMatchObject({ code: "malformed", field: `${sgm}.lora_down.weight` });
    const adapters = {
      ...pair({}, `unet.${block}.attn2.to_k`, [".lora_A.one.weight", ".lora_B.one.weight"]),
      ...pair({}, `unet.${block}.attn2.to_k`, [".lora_A.two.weight", ".lora_B.two.weight"]),
    };
    expect(error(() => inspectLora(memoryFile(adapters))).message).toMatch(
      /2 adapters \(one, two\)/,
    );
  });

  it.each([
    ["Flux", "unsupported", "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight"],
    ["Flux", "unsupported", "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"],
    [
      "Stable Diffusion 3",
      "unsupported",
      "diffusion_model.joint_blocks.0.x_block.attn.qkv.lora_A.weight",
    ],
    ["Stable Cascade", "unsupported", "lora_prior_unet_blocks.lora_down.weight"],
    [
      "a language model",
      "unsupported",
      "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
    ],
    ["mystery_block", "unsupported", "mystery_block.lora_A.weight"],
    ["checkpoint", "not-a-lora", "model.diffusion_model.input_blocks.0.0.weight"],
    ["VAE", "not-a-lora", "first_stage_model.encoder.conv_in.weight"],
    ["ControlNet", "not-a-lora", "controlnet_cond_embedding.conv_in.weight"],
    ["UNet", "not-a-lora", "down_blocks.0.resnets.0.conv1.weight"],
    ["text encoder", "not-a-lora", "text_model.encoder.layers.0.mlp.fc1.weight"],
    ["textual inversion", "not-a-lora", "emb_params"],
    ["IP-Adapter", "not-a-lora", "image_proj.proj.weight"],
    ["bananas", "not-a-lora", "bananas"],
  ])("%s (%s)", (name, code, key) => {
    const thrown = error(() =>
      inspectLora(memoryFile({ [key]: { shape: [4, 4] } }, {}, "it.safetensors")),
    );
    expect(thrown).toMatchObject({ code, path: "it.safetensors" });
    expect(thrown.message).toContain(name);
  });

  it("an empty file", () => {
    expect(error(() => inspectLora(memoryFile({})))).toMatchObject({ code: "not-a-lora" });
  });

  it("Flux with a text encoder that would be understood", () => {
    const tensors = {
      ...pair({ width: 768, out: 768 }, "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"),
      ...Object.fromEntries(
        Array.from({ length: 9 }, (_, n) => [
          `lora_unet_single_blocks_${n}_linear1.lora_down.weight`,
          { shape: [4, 4] },
        ]),
      ),
    };
    expect(error(() => inspectLora(memoryFile(tensors))).message).toContain("Flux");
  });

  it("a rank that is none", () => {
    expect(error(() => readLora(memoryFile(pair()), { rank: 0 }))).toMatchObject({
      code: "invalid-argument",
    });
  });
});

describe("what is not understood", () => {
  it("is listed, with lone alphas, and counted", () => {
    const tensors = {
      ...pair(),
      stray: { shape: [3] },
      "lora_unet_up_blocks_9_attentions_0_proj_in.lora_down.weight": { shape: [2, 4] },
      "lora_unet_mid_block_attentions_0_proj_in.alpha": { shape: [] },
    };
    const { report } = readLora(memoryFile(tensors));
    expect(report.unmatched).toEqual([
      "stray",
      "lora_unet_up_blocks_9_attentions_0_proj_in.lora_down.weight",
      "lora_unet_mid_block_attentions_0_proj_in.alpha",
    ]);
    expect([report.matched, report.total]).toEqual([2, 5]);
  });

  it("never makes anything but a FacetError, whatever the names, shapes and metadata are", () => {
    const known = Object.keys(loraFixture("kohya-sgm-sdxl").tensors).slice(0, 40);
    const positional = fc.tuple(
      fc.constantFrom("unet", "text_encoder"),
      fc.nat(200),
      fc.constantFrom("up", "down", "x"),
    );
    const name = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(...known),
      positional.map((parts) => parts.join(":")),
      fc.constantFrom(
        "unet.",
        "base_model.model.",
        "bundle_emb.a.clip_l",
        "<s1>",
        "lora_unet_",
        ".",
        "..",
        "lora_te_.alpha",
      ),
      fc
        .tuple(
          fc.constantFrom(...known),
          fc.constantFrom(
            ".hada_w1_a",
            ".lokr_w1",
            ".diff",
            ".dora_scale",
            ".lora_mid.weight",
            ".w_norm",
          ),
        )
        .map(([key, suffix]) => key.slice(0, key.indexOf(".")) + suffix),
    );
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });
    const metadata = fc.dictionary(
      fc.constantFrom(
        "unet",
        "text_encoder",
        "lora_adapter_metadata",
        "ss_tag_frequency",
        "ss_datasets",
        "modelspec.title",
        "<s1>",
      ),
      fc.oneof(fc.string(), fc.json(), fc.constant("<embed>")),
    );
    fc.assert(
      fc.property(fc.dictionary(name, shape, { maxKeys: 12 }), metadata, (shapes, texts) => {
        const tensors: Record<string, MemoryTensor> = {};
        for (const [key, size] of Object.entries(shapes)) tensors[key] = { shape: size };
        const file = memoryFile(tensors, texts);
        for (const run of [inspectLora, readLora]) {
          try {
            const result = run(file);
            const { matched, total, unmatched } = "report" in result ? result.report : result;
            expect(matched + unmatched.length).toBe(total);
          } catch (caught) {
            expect(caught).toBeInstanceOf(FacetError);
            expect((caught as FacetError).path).toBe("memory.safetensors");
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("inspectLora", () => {
  it("never reads a value", () => {
    const file = fixtureFile(loraFixture("cloneofsimo"));
    const blind = {
      ...file,
      readFloat32: () => {
        throw new Error("values were read");
      },
    };
    expect(inspectLora(blind)).toMatchObject({
      dialect: "cloneofsimo",
      family: "sd15",
      modules: 192,
      rank: { min: 1, max: 1 },
      matched: 386,
      total: 386,
      embeddings: ["<s1>", "<s2>"],
      triggerWords: ["<s1>", "<s2>"],
      components: ["unet", "text_encoder"],
      adapters: ["lora"],
      dtypes: ["F32"],
    });
  });

  it("counts the numbers in the matrices, not alphas or embeddings", () => {
    const file = filledFixture(loraFixture("weights2weights"), 1);
    expect(inspectLora(file).parameters).toBe(99_648);
    expect(
      inspectLora(memoryFile({ ...pair(), [`${kohya}.alpha`]: { shape: [] } })).parameters,
    ).toBe(2 * (768 + 640));
    expect(inspectLora(file).triggerWords).toEqual(["sks person"]);
  });

  it("finds trigger words and title where tools write them, most certain first", () => {
    const inspected = inspectLora(
      memoryFile(pair(), {
        "modelspec.trigger_phrase": "ohwx, woman",
        ss_output_name: "ana_v2",
        ss_datasets: JSON.stringify([
          { subsets: [{ class_tokens: "ohwx woman" }, { class_tokens: null }] },
        ]),
        ss_tag_frequency: JSON.stringify({
          "10_ana": { smile: 3, ohwx: 20, "blue eyes": 7 },
          reg: { person: 99 },
        }),
      }),
    );
    expect(inspected.triggerWords).toEqual(["ohwx", "woman", "ohwx woman", "blue eyes", "smile"]);
    expect(inspected.title).toBe("ana_v2");
    expect(
      inspectLora(memoryFile(pair(), { "modelspec.title": "Ana", ss_output_name: "x" })).title,
    ).toBe("Ana");
    expect(inspectLora(memoryFile(pair()))).not.toHaveProperty("title");
  });
});
