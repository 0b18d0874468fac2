/** Checkpoints that are refused: by name with what to do, or by the tensor, what was expected and what was found. */
import { describe, expect, it } from "vitest";
import { withTextEncoders, withVae } from "../../../../src-main/core/checkpoint/combine.ts";
import type { CheckpointFiles } from "../../../../src-main/core/checkpoint/checkpoint.ts";
import { describeCheckpoint } from "../../../../src-main/core/checkpoint/describe.ts";
import type { ErrorCode } from "../../../../src-main/core/errors.ts";
import { families } from "../../../../src-main/core/diffusion/unet-config.ts";
import { diffusersHeaders, filesOf, singleFileHeaders } from "../../../support/models/headers.ts";
import { tinyConfigs } from "../../../support/models/tiny-configs.ts";

type Shapes = Map<string, readonly number[]>;

const { sdxl, sd15 } = tinyConfigs;

function expectRefusal(files: CheckpointFiles, code: ErrorCode, ...words: string[]): void {
  let error: unknown;
  try {
    describeCheckpoint(files);
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({ name: "FacetError", code });
  for (const word of [`"/models/`, ...words]) expect(String(error)).toContain(word);
}

const set = (name: string, shape: readonly number[] = [1]) => ({
  change: (shapes: Shapes) => void shapes.set(name, shape),
});
const unet = "model.diffusion_model";
const refiner = {
  ...sdxl,
  unet: { ...sdxl.unet, context: 64, addition: 64 + 5 * 256 },
  textEncoders: [],
};
const linear = { ...sd15, unet: { ...sd15.unet, linearProjection: true }, textEncoders: [] };

describe("a model of another kind is refused by name", () => {
  it.each([
    ["SDXL refiner", singleFileHeaders(refiner), "base model"],
    [
      "SDXL refiner",
      singleFileHeaders(refiner, set("conditioner.embedders.0.model.ln_final.weight")),
      "base model",
    ],
    ["SDXL refiner", diffusersHeaders(refiner), "base model"],
    [
      "inpainting",
      singleFileHeaders(sdxl, set(`${unet}.input_blocks.0.0.weight`, [32, 9, 3, 3])),
      "text",
    ],
    [
      "edits pictures",
      singleFileHeaders(sd15, set(`${unet}.input_blocks.0.0.weight`, [32, 8, 3, 3])),
      "text",
    ],
    ["Playground 2.5", singleFileHeaders(sdxl, set("edm_mean", [4])), "SDXL base"],
    ["CosXL", singleFileHeaders(sdxl, set("edm_vpred.sigma_max", [])), "SDXL base"],
    [
      "EDMDPMSolverMultistepScheduler",
      diffusersHeaders(sdxl, {}, { _class_name: "EDMDPMSolverMultistepScheduler" }),
      "SDXL base",
    ],
    ["Stable Diffusion 2", singleFileHeaders(linear), "SD1.5"],
    ["Stable Diffusion 2", diffusersHeaders(linear), "SD1.5"],
    [
      "Stable Diffusion 2",
      singleFileHeaders(sd15, set("cond_stage_model.model.ln_final.weight")),
      "SD1.5",
    ],
    ["LCM", singleFileHeaders(sdxl, set(`${unet}.time_embed.cond_proj.weight`)), "LCM LoRA"],
    [
      "SSD-1B",
      singleFileHeaders(sdxl, {
        change: (shapes) => {
          for (const name of Array.from(shapes.keys()))
            if (name.startsWith(`${unet}.middle_block.1.`)) shapes.delete(name);
        },
      }),
      "whole model",
    ],
    ["VAE", singleFileHeaders(sdxl, { components: ["vae"] }), "as the VAE of a model"],
    ["LoRA", filesOf(new Map([["lora_unet_mid_block.lora_down.weight", [4, 8]]])), "library"],
    ["Flux", filesOf(new Map([["double_blocks.0.img_attn.proj.weight", [8, 8]]])), "SDXL"],
    [
      "Stable Diffusion 3",
      filesOf(new Map([["model.diffusion_model.joint_blocks.0.x", [8, 8]]])),
      "SDXL",
    ],
    ["ControlNet", filesOf(new Map([["control_model.zero_convs.0.0.weight", [8, 8]]])), "SDXL"],
    ["text encoder alone", filesOf(new Map([["text_model.final_layer_norm.bias", [8]]])), "UNet"],
    ["no model that Facet knows", filesOf(new Map([["layer.weight", [8]]])), "layer.weight"],
    ["none of its 0 tensors", filesOf(new Map()), "SD1.5"],
    ["8-bit floats", singleFileHeaders(sdxl, { dtype: "F8_E4M3" }), "F8_E4M3", "fp16"],
    ["8-bit floats", singleFileHeaders(sd15, { dtype: "F8_E5M2" }), "F8_E5M2", "fp16"],
    ["quantised", singleFileHeaders(sd15, { dtype: "U8" }), "U8", "fp16"],
    ["sample", diffusersHeaders(sd15, {}, { prediction_type: "sample" }), "epsilon"],
  ] as [string, CheckpointFiles, ...string[]][])("%s", (name, files, ...words) => {
    expectRefusal(files, "unsupported", name, ...words);
  });
});

describe("a file that lacks a tensor", () => {
  // Every one of them, the ones that sizes are read from included.
  it.each(families)("is refused by its name: each tensor of %s in turn", (family) => {
    const config = tinyConfigs[family];
    const names = Array.from(singleFileHeaders(config).parts[0]?.tensors.keys() ?? []);
    // A spread, for time; all of what stands alone in its part.
    const some = names.filter(
      (name, index) => index % 19 === 0 || !/blocks|layers|block|attn/.test(name),
    );
    expect(some.length).toBeGreaterThan(60);
    for (const name of some) {
      const files = singleFileHeaders(config, { change: (shapes) => shapes.delete(name) });
      expectRefusal(files, "malformed", `"${name}"`, "copy or download");
    }
  });

  it("is told how many more there are, and what the first should be", () => {
    const files = singleFileHeaders(sdxl, {
      change: (shapes) => {
        shapes.delete("conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight");
      },
    });
    expectRefusal(files, "malformed", "in_proj_weight", "[192, 64]", "2 more");
  });

  it("is refused for a text encoder of a pair", () => {
    const components = ["unet", "text_encoder", "vae"] as const;
    expectRefusal(
      singleFileHeaders(sdxl, { components }),
      "malformed",
      "conditioner.embedders.1.model.token_embedding.weight",
    );
    expectRefusal(
      diffusersHeaders(sdxl, { components }),
      "malformed",
      "text_encoder_2/text_model.embeddings.token_embedding.weight",
    );
  });

  it("is refused for its diffusers name in a folder", () => {
    const name = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    const files = diffusersHeaders(sdxl, { change: (shapes) => shapes.delete(name) });
    expectRefusal(files, "malformed", name, "/models/folder/unet", "[64, 96]");
  });
});

describe("a misshapen tensor", () => {
  // What nothing else in the file says, and the projection tables, whose sizes are their own.
  const free = /token_embedding\.weight|positional_embedding|position_embedding\.weight/;

  it.each(families)("is refused by its name with both shapes: tensors of %s", (family) => {
    const config = tinyConfigs[family];
    const tensors = singleFileHeaders(config).parts[0]?.tensors ?? new Map();
    const some = Array.from(tensors.values()).filter(
      ({ name }, index) =>
        !free.test(name) && (index % 19 === 0 || !/blocks|layers|block|attn/.test(name)),
    );
    for (const { name, shape } of some) {
      const wrong = [shape[0] + 3, ...shape.slice(1)];
      const files = singleFileHeaders(config, { change: (shapes) => shapes.set(name, wrong) });
      expectRefusal(files, "shape-mismatch", `"${name}"`, `[${wrong.join(", ")}]`);
    }
  });

  it.each([
    ["label_emb.0.0.weight", [128, 1599], "[128, 1600]"],
    ["input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight", [64, 97], "[64, 96]"],
    ["input_blocks.1.0.in_layers.2.weight", [32, 31, 3, 3], "[32, 32, 3, 3]"],
    ["middle_block.1.proj_in.weight", [64, 64], "[128, 128]"],
  ])("%s", (name, wrong, expected) => {
    const files = singleFileHeaders(sdxl, set(`${unet}.${name}`, wrong));
    expectRefusal(files, "shape-mismatch", name, `[${wrong.join(", ")}]`, expected);
  });
});

describe("parts of other files", () => {
  const alone = describeCheckpoint(singleFileHeaders(sdxl, { components: ["unet"] }));

  it("complete a UNet", () => {
    const other = singleFileHeaders(sdxl);
    const whole = withVae(withTextEncoders(alone, describeCheckpoint(other)), other);
    expect(whole.config).toEqual(sdxl);
    expect(Array.from(whole.components.keys())).toEqual([
      "unet",
      "text_encoder",
      "text_encoder_2",
      "vae",
    ]);
  });

  it("of another family are refused with both widths", () => {
    const other = describeCheckpoint(singleFileHeaders(sd15));
    expect(() => withTextEncoders(alone, other)).toThrow(/96 numbers wide \(sdxl\).*32 \(sd15\)/);
  });

  it("are refused where a file has no VAE", () => {
    expect(() => withVae(alone, singleFileHeaders(sdxl, { components: ["unet"] }))).toThrow(
      /decoder\.conv_in\.weight/,
    );
  });

  it("are refused where the latents are another model's", () => {
    const vae = {
      ...sdxl,
      vae: { channels: [32, 32, 64, 64], latentChannels: 16, scale: 1 },
    };
    const files = singleFileHeaders(vae, { components: ["vae"] });
    expect(() => withVae(alone, files)).toThrow(/16 latent channels/);
  });
});
