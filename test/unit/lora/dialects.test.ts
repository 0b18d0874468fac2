/** Every dialect's names against key-to-shape maps that were made by rules written a second time. */
import { describe, expect, it } from "vitest";
import { modulesOf } from "../../../src-main/core/lora/architecture/index.ts";
import { dialects, readKey } from "../../../src-main/core/lora/dialects/index.ts";
import { inspectLora } from "../../../src-main/core/lora/inspect.ts";
import { readLora } from "../../../src-main/core/lora/read.ts";
import {
  filledFixture,
  fixtureFile,
  loraFixture,
  loraFixtures,
} from "../../support/lora-fixtures.ts";
import { memoryFile } from "../../support/memory-file.ts";

const fixtures = loraFixtures();

it("has a fixture for every dialect", () => {
  const covered = new Set(fixtures.map(({ dialect }) => dialect));
  expect([...covered].toSorted()).toEqual(dialects.map(({ id }) => id).toSorted());
});

describe.each(fixtures.map((fixture) => [fixture.name, fixture] as const))("%s", (_, fixture) => {
  it("is understood completely, as the dialect and the family that it is", () => {
    const inspected = inspectLora(fixtureFile(fixture));
    expect(inspected.unmatched).toEqual([]);
    expect(inspected.matched).toBe(Object.keys(fixture.tensors).length);
    expect(inspected.total).toBe(inspected.matched);
    expect(inspected.dialect).toBe(fixture.dialect);
    expect(inspected.family).toBe(fixture.family);
    const paths = new Set(Object.values(fixture.tensors).map(([path]) => path));
    paths.delete("");
    expect(inspected.modules).toBe(paths.size);
  });

  it("gives every key the module that the rules give it", () => {
    const file = fixtureFile(fixture);
    const layout = modulesOf(fixture.family);
    for (const [key, [path]] of Object.entries(fixture.tensors)) {
      if (path === "") continue;
      const understood = readKey(key, file);
      expect(understood && layout[understood.place[fixture.family]]?.path, key).toBe(path);
    }
  });
});

describe("worked examples", () => {
  const examples = [
    [
      "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q",
      "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_q",
      "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_q",
    ],
    [
      "mid_block.attentions.0.transformer_blocks.9.attn1.to_out.0",
      "lora_unet_middle_block_1_transformer_blocks_9_attn1_to_out_0",
      "lora_unet_mid_block_attentions_0_transformer_blocks_9_attn1_to_out_0",
    ],
    [
      "up_blocks.1.attentions.2.transformer_blocks.1.ff.net.0.proj",
      "lora_unet_output_blocks_5_1_transformer_blocks_1_ff_net_0_proj",
      "lora_unet_up_blocks_1_attentions_2_transformer_blocks_1_ff_net_0_proj",
    ],
    [
      "up_blocks.0.resnets.2.conv1",
      "lora_unet_output_blocks_2_0_in_layers_2",
      "lora_unet_up_blocks_0_resnets_2_conv1",
    ],
  ] as const;

  it.each(examples)("%s by both kohya names", (path, ...names) => {
    for (const name of names) {
      const understood = readKey(`${name}.lora_down.weight`, memoryFile({}));
      expect(understood?.role).toBe("down");
      expect(modulesOf("sdxl")[understood?.place.sdxl ?? -1]?.path).toBe(`unet.${path}`);
    }
  });

  it("gives SDXL's first upsampler the number that A1111's pattern gets wrong", () => {
    const file = memoryFile({});
    const right = readKey("lora_unet_output_blocks_2_2_conv.lora_up.weight", file);
    expect(modulesOf("sdxl")[right?.place.sdxl ?? -1]?.path).toBe(
      "unet.up_blocks.0.upsamplers.0.conv",
    );
    const sd15 = readKey("lora_unet_output_blocks_2_1_conv.lora_up.weight", file);
    expect(sd15?.place.sdxl).toBe(-1);
    expect(modulesOf("sd15")[sd15?.place.sd15 ?? -1]?.path).toBe(
      "unet.up_blocks.0.upsamplers.0.conv",
    );
  });
});

describe("other spellings", () => {
  const path = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k";
  const text = "text_encoder.text_model.encoder.layers.3.self_attn.q_proj";
  it.each([
    ["a UNet's own file", `${path}.lora_A.weight`, `unet.${path}`, "peft"],
    [
      "an adapter's name behind a component",
      `unet.${path}.lora_A.face.weight`,
      `unet.${path}`,
      "peft-raw",
    ],
    [
      "PEFT's wrapper without an adapter's name",
      `base_model.model.${path}.lora_B.weight`,
      `unet.${path}`,
      "peft-raw",
    ],
    [
      "PEFT's wrapper around a component",
      `base_model.model.unet.${path}.lora_B.weight`,
      `unet.${path}`,
      "peft-raw",
    ],
    [
      "a text encoder without text_model",
      "text_encoder.encoder.layers.3.self_attn.q_proj.lora_A.weight",
      text,
      "peft",
    ],
    [
      "the text encoder by the UNet's matrix names",
      "text_encoder.text_model.encoder.layers.3.self_attn.to_q_lora.up.weight",
      text,
      "diffusers-processor",
    ],
    [
      "attention processors without their level",
      "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k_lora.down.weight",
      `unet.${path}`,
      "diffusers-processor",
    ],
    [
      "SDXL's number in SD1.5",
      "lora_te1_text_model_encoder_layers_3_self_attn_q_proj.alpha",
      text,
      "kohya-sgm",
    ],
    [
      "ComfyUI's names with kohya's suffixes",
      "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.lora_up.weight",
      `unet.${path}`,
      "comfy",
    ],
  ])("%s", (_, key, module, dialect) => {
    const understood = readKey(key, memoryFile({}));
    expect(modulesOf("sd15")[understood?.place.sd15 ?? -1]?.path).toBe(module);
    expect(understood?.dialects.map(({ id }) => id)).toContain(dialect);
  });
});

describe("cloneofsimo", () => {
  const sample = loraFixture("cloneofsimo");

  it("puts the mid block last and the widths where the order says", () => {
    const { lora, report } = readLora(filledFixture(sample, 1));
    expect(lora.modules).toHaveLength(192);
    expect(report.embeddings).toEqual(["<s1>", "<s2>"]);
    expect(lora.embeddings.map(({ shape, component }) => [shape, component])).toEqual([
      [[1, 768], "text_encoder"],
      [[1, 768], "text_encoder"],
    ]);
  });

  it("reads text matrices as k, v, q, out, though all have one shape", () => {
    const file = filledFixture(sample, 2);
    const { lora } = readLora(file);
    for (const [position, name] of [
      [0, "layers.0.self_attn.k_proj"],
      [1, "layers.0.self_attn.v_proj"],
      [2, "layers.0.self_attn.q_proj"],
      [3, "layers.0.self_attn.out_proj"],
      [46, "layers.11.self_attn.q_proj"],
    ] as const) {
      const module = lora.modules.find(
        ({ path }) => path === `text_encoder.text_model.encoder.${name}`,
      );
      expect(module?.up).toEqual(file.readFloat32(`text_encoder:${position}:up`));
    }
    const middle = lora.modules.find(({ path }) =>
      path.endsWith("mid_block.attentions.0.transformer_blocks.0.attn1.to_q"),
    );
    expect(middle?.down).toEqual(file.readFloat32("unet:135:down"));
  });

  it("follows the classes that the metadata states", () => {
    // Without GEGLU a block has eight places, so number 4 is attn2's query.
    const file = memoryFile({}, { unet: '["CrossAttention"]' });
    const layout = modulesOf("sd15");
    const place = (key: string): string | undefined =>
      layout[readKey(key, file)?.place.sd15 ?? -1]?.path;
    expect(place("unet:4:up")).toBe(
      "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q",
    );
    expect(place("unet:127:up")).toBe(
      "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0",
    );
    expect(place("unet:128:up")).toBeUndefined();
  });

  it("refuses classes whose order is not known, by name", () => {
    const file = memoryFile(
      { "unet:0:up": { shape: [320, 1] }, "unet:0:down": { shape: [1, 320] } },
      { unet: '["ResnetBlock2D", "CrossAttention"]' },
    );
    expect(() => inspectLora(file)).toThrow(/ResnetBlock2D/);
  });
});

describe("weights2weights", () => {
  it("applies the scale 27 that is nowhere in the file, unless a configuration says otherwise", () => {
    const file = filledFixture(loraFixture("weights2weights"), 3);
    const { lora, report } = readLora(file);
    expect(report.dialect).toBe("weights2weights");
    expect(report.alphas).toEqual([
      { source: "dialect", modules: 64, range: { min: 27, max: 27 } },
    ]);
    const [first] = lora.modules;
    const path = first?.path.replace("unet.", "base_model.model.") ?? "";
    const stored = file.readFloat32(`${path}.lora_B.identity1.weight`);
    expect(first?.up).toEqual(stored.map((value) => value * 27));
    const configured = readLora(file, { adapterConfig: { r: 1, lora_alpha: 5 } });
    expect(configured.lora.modules[0]?.up).toEqual(stored.map((value) => value * 5));
  });

  it("is plain PEFT when it is not the 64 modules of rank 1", () => {
    const fixture = loraFixture("weights2weights");
    const tensors = Object.fromEntries(Object.entries(fixture.tensors).slice(0, 40));
    const { report } = readLora(filledFixture({ ...fixture, tensors }, 4));
    expect(report.dialect).toBe("peft-raw");
    expect(report.alphas).toEqual([{ source: "absent", modules: 20, range: null }]);
  });
});

describe("a file of mixed dialects", () => {
  it("is read by each that understands a key, and named by the majority", () => {
    const kohya = loraFixture("kohya-diffusers-sd15");
    const peft = loraFixture("peft-sd15");
    const tensors = {
      ...Object.fromEntries(
        Object.entries(kohya.tensors).filter(([key]) => key.startsWith("lora_unet_")),
      ),
      ...Object.fromEntries(
        Object.entries(peft.tensors).filter(([key]) => key.startsWith("text_encoder.")),
      ),
      stray: ["", 3] as [string, ...number[]],
    };
    const inspected = inspectLora(fixtureFile({ ...kohya, tensors }));
    expect(inspected.dialect).toBe("kohya-diffusers");
    expect(inspected.modules).toBe(354);
    expect(inspected.unmatched).toEqual(["stray"]);
    expect(inspected.total).toBe(inspected.matched + 1);
  });
});
