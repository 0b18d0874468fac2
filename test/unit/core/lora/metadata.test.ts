/** The header, against formats.md 1.6, 1.10, 3.1 to 3.3. */
import { describe, expect, it } from "vitest";
import {
  describeIdentity,
  fitHeader,
  hashedPart,
  metadataFor,
  withHashes,
  type Written,
} from "../../../../src-main/core/lora/metadata.ts";

const unet = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q";
const text = "text_encoder.text_model.encoder.layers.3.self_attn.q_proj";
const text2 = "text_encoder_2.text_model.encoder.layers.3.self_attn.q_proj";

function module(
  path: string,
  rank: number,
  kernel: readonly [number, number] = [1, 1],
  alpha = rank,
) {
  return { path, rank, alpha, kernel };
}

function written(change: Partial<Written> = {}): Written {
  return { family: "sdxl", dialect: "kohya", modules: [module(unet, 8)], ...change };
}

const ada = {
  name: "Ada",
  createdAt: Date.UTC(2026, 10, 21, 12),
  facetVersion: "0.1.0",
  triggerWords: ["sks woman", "freckles"],
  tags: ["portrait"],
  notes: "A note.",
  preferredWeight: 0.8,
  mergedFrom: ["Bea", "Cleo"],
  recipe: '{"version":1}',
};

describe("metadata of an exported file", () => {
  it("holds text only, and what A1111, InvokeAI and kohya look for", () => {
    const metadata = metadataFor(describeIdentity(ada), written());
    for (const value of Object.values(metadata)) expect(typeof value).toBe("string");
    expect(metadata).toMatchObject({
      format: "pt",
      ss_base_model_version: "sdxl_base_v1-0",
      ss_v2: "False",
      ss_network_module: "networks.lora",
      ss_network_dim: "8",
      ss_network_alpha: "8",
      ss_output_name: "Ada",
      "modelspec.sai_model_spec": "1.0.1",
      "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
      "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
      "modelspec.title": "Ada",
      "modelspec.resolution": "1024x1024",
      "modelspec.date": "2026-11-21T12:00:00.000Z",
      "modelspec.description": "A note.",
      "modelspec.trigger_phrase": "sks woman, freckles",
      "modelspec.tags": "portrait",
      "modelspec.merged_from": "Bea, Cleo",
      "modelspec.usage_hint": "Strength 0.8",
      "facet.recipe": '{"version":1}',
    });
    expect(JSON.parse(metadata["ss_tag_frequency"] ?? "")).toEqual({
      facet: { "sks woman": 1, freckles: 1 },
    });
    expect(metadata).not.toHaveProperty("lora_adapter_metadata");
  });

  it("names SD1.5 as kohya does", () => {
    expect(metadataFor({}, written({ family: "sd15" }))).toMatchObject({
      ss_base_model_version: "sd_v1",
      "modelspec.architecture": "stable-diffusion-v1/lora",
      "modelspec.implementation": "diffusers",
      "modelspec.resolution": "512x512",
    });
  });

  it("says Dynamic where ranks differ, and tells convolutions apart", () => {
    const modules = [
      module(unet, 8),
      module(text, 4),
      module("unet.down_blocks.1.resnets.0.conv1", 2, [3, 3], 1),
    ];
    const metadata = metadataFor({}, written({ modules }));
    expect(metadata["ss_network_dim"]).toBe("Dynamic");
    expect(metadata["ss_network_alpha"]).toBe("Dynamic");
    expect(JSON.parse(metadata["ss_network_args"] ?? "")).toEqual({
      conv_dim: "2",
      conv_alpha: "1",
    });
  });

  it("keeps an original's training facts, author and licence, and nothing that is no longer true", () => {
    const original = {
      ss_sd_model_name: "base.safetensors",
      ss_tag_frequency: '{"10_ada":{"ada":12}}',
      ss_network_dim: "128",
      ss_network_module: "lycoris.kohya",
      ss_output_name: "old",
      sshs_model_hash: "dead",
      "modelspec.author": "Somebody",
      "modelspec.license": "CC-BY-4.0",
      "modelspec.hash_sha256": "0xdead",
      "modelspec.title": "Old title",
      lora_adapter_metadata: "{}",
      "facet.recipe": '{"old":true}',
      format: "np",
    };
    const { recipe: _recipe, ...withoutRecipe } = ada;
    const metadata = metadataFor(describeIdentity({ ...withoutRecipe, original }), written());
    expect(metadata).toMatchObject({
      ss_sd_model_name: "base.safetensors",
      ss_tag_frequency: '{"10_ada":{"ada":12}}',
      ss_network_dim: "8",
      ss_network_module: "networks.lora",
      ss_output_name: "Ada",
      "modelspec.author": "Somebody",
      "modelspec.license": "CC-BY-4.0",
      "modelspec.title": "Ada",
      "facet.recipe": '{"old":true}',
      format: "pt",
    });
    for (const key of ["sshs_model_hash", "modelspec.hash_sha256", "lora_adapter_metadata"]) {
      expect(metadata).not.toHaveProperty([key]);
    }
  });

  it("does not carry the moment of writing: the same identity gives the same header", () => {
    expect(metadataFor(describeIdentity(ada), written())).toEqual(
      metadataFor(describeIdentity(ada), written()),
    );
  });

  it("adds the hashes as their definitions spell them", () => {
    const metadata = withHashes(metadataFor({}, written()), {
      data: "ab".repeat(32),
      legacy: "12345678",
    });
    expect(metadata).toMatchObject({
      sshs_model_hash: "ab".repeat(32),
      sshs_legacy_hash: "12345678",
      "modelspec.hash_sha256": `0x${"ab".repeat(32)}`,
    });
    expect(Object.keys(hashedPart(metadata)).every((key) => key.startsWith("ss_"))).toBe(true);
    expect(hashedPart(metadata)).toHaveProperty("ss_network_dim", "8");
  });
});

describe("what diffusers reads of a PEFT file", () => {
  const modules = [
    module(unet, 8),
    module(`${unet.slice(0, -1)}k`, 8),
    module(`${unet.slice(0, -1)}v`, 4, [1, 1], 2),
    module(text, 16),
    module(text2, 16),
  ];
  const metadata = metadataFor({}, written({ dialect: "peft", modules }));
  const config: unknown = JSON.parse(metadata["lora_adapter_metadata"] ?? "");

  it("configures every component: values there replace what shapes would say", () => {
    expect(config).toMatchObject({
      "unet.r": 8,
      "unet.lora_alpha": 8,
      "text_encoder.r": 16,
      "text_encoder.lora_alpha": 16,
      "text_encoder_2.r": 16,
      "text_encoder_2.lora_alpha": 16,
    });
  });

  it("gives a pattern for ranks and alphas that differ", () => {
    const name = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_v";
    expect(config).toMatchObject({
      "unet.rank_pattern": { [name]: 4 },
      "unet.alpha_pattern": { [name]: 2 },
    });
  });

  it("names modules so that transformers 4 and 5 both find them", () => {
    expect(config).toMatchObject({
      "unet.target_modules": [
        "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
        "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_k",
        "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_v",
      ],
      "text_encoder.target_modules": ["encoder.layers.3.self_attn.q_proj"],
    });
  });
});

describe("the header's limit", () => {
  const encode = (metadata: Record<string, string>) => Buffer.from(JSON.stringify(metadata));
  const metadata = {
    "modelspec.thumbnail": "x".repeat(900),
    ss_tag_frequency: "y".repeat(900),
    "facet.recipe": "z".repeat(900),
    ss_v2: "False",
  };
  const keys = (limit: number): string[] => {
    const fitted: unknown = JSON.parse(Buffer.from(fitHeader(metadata, encode, limit)).toString());
    return Object.keys(fitted ?? {});
  };

  it("gives up pictures before words, and words before the recipe", () => {
    expect(keys(10_000)).toEqual(Object.keys(metadata));
    expect(keys(2000)).toEqual(["ss_tag_frequency", "facet.recipe", "ss_v2"]);
    expect(keys(1000)).toEqual(["facet.recipe", "ss_v2"]);
    expect(() => keys(500)).toThrow(/recipe takes 900 characters/);
  });
});
