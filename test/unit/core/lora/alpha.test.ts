/** Alphas that diffusers' loader would miss, as the parity suite has seen it load them. */
import { describe, expect, it } from "vitest";
import { alphasFound, mostFrequent } from "../../../../src-main/core/lora/alpha.ts";
import { relabelLora } from "../../../../src-main/core/lora/relabel.ts";
import { readSafetensors } from "../../../../src-main/core/formats/safetensors/read.ts";
import { encodeSafetensors } from "../../../../src-main/core/formats/safetensors/write.ts";

const block = "unet.down_blocks.1.attentions.0.transformer_blocks.0";
const [query, key, output] = [
  `${block}.attn2.to_q`,
  `${block}.attn2.to_k`,
  `${block}.attn2.to_out.0`,
];
const feed = `${block}.ff.net.2`;
const layer = "text_encoder.text_model.encoder.layers.0";

function found(alphas: Record<string, number>): boolean {
  return alphasFound(Object.entries(alphas).map(([path, alpha]) => ({ path, alpha })));
}

describe("alphasFound", () => {
  it("wants the usual alpha of attention projections and text encoders only", () => {
    expect(found({ [query]: 8, [key]: 8, [feed]: 1 })).toBe(true);
    expect(found({ [query]: 1, [key]: 8, [feed]: 8 })).toBe(false);
    expect(found({ [query]: 8, [key]: 8, [output]: 1 })).toBe(false);
    expect(
      found({ [`${layer}.mlp.fc1`]: 1, [`${layer}.mlp.fc2`]: 1, [`${layer}.self_attn.q_proj`]: 2 }),
    ).toBe(false);
  });

  it("takes each component by itself", () => {
    expect(found({ [query]: 8, [`${layer}.mlp.fc1`]: 4, [`${layer}.self_attn.q_proj`]: 4 })).toBe(
      true,
    );
    expect(found({})).toBe(true);
  });
});

describe("mostFrequent", () => {
  it("is the first of those that occur most", () => {
    expect(mostFrequent([1, 2, 2, 3, 3])).toBe(2);
    expect(mostFrequent([])).toBe(0);
  });
});

describe("relabelLora", () => {
  function copied(alphas: readonly [number, number, number], dialect: "kohya" | "peft") {
    const tensors = ["attn2_to_q", "attn2_to_out_0", "attn1_to_q"].flatMap((name, index) => {
      const prefix = `lora_unet_input_blocks_4_1_transformer_blocks_0_${name}`;
      const tensor = (suffix: string, shape: number[], value: number) => ({
        name: prefix + suffix,
        dtype: "F32" as const,
        shape,
        values: () => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
      });
      return [
        tensor(".lora_down.weight", [2, 640], 1),
        tensor(".lora_up.weight", [640, 2], 1),
        tensor(".alpha", [], alphas[index] ?? 0),
      ];
    });
    const bytes = Buffer.concat([
      ...encodeSafetensors(tensors, { ss_base_model_version: "sdxl_base_v1-0" }).chunks,
    ]);
    const source = {
      name: "mixed.safetensors",
      size: bytes.length,
      read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
    };
    const file = readSafetensors(source);
    const data = source.read(file.dataOffset, source.size - file.dataOffset);
    return relabelLora(file, data, dialect, "F32");
  }

  it("keeps alphas that all loaders find, and leaves others to the writer", () => {
    expect(copied([1, 1, 1], "kohya")?.written.modules).toMatchObject([
      { alpha: 1 },
      { alpha: 1 },
      { alpha: 1 },
    ]);
    expect(copied([1, 1, 4], "kohya")).toBeNull();
    // PEFT's stand in the metadata by whole names.
    expect(copied([1, 1, 4], "peft")?.written.modules).toHaveLength(3);
  });
});
