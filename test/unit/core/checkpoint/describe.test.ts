/** Checkpoints understood from headers: published sizes and tiny ones by the same code. */
import { describe, expect, it } from "vitest";
import type {
  Checkpoint,
  ModelComponent,
} from "../../../../src-main/core/checkpoint/checkpoint.ts";
import { describeCheckpoint, describeVae } from "../../../../src-main/core/checkpoint/describe.ts";
import { publishedModel } from "../../../../src-main/core/diffusion/model-config.ts";
import { families } from "../../../../src-main/core/diffusion/unet-config.ts";
import { elementCount } from "../../../../src-main/core/tensor/dtype.ts";
import { diffusersHeaders, filesOf, singleFileHeaders } from "../../../support/models/headers.ts";
import { modelParameters, tinyConfigs } from "../../../support/models/tiny-configs.ts";

const models = families.flatMap((family) => [
  [`published ${family}`, publishedModel(family)] as const,
  [`tiny ${family}`, tinyConfigs[family]] as const,
]);

function tensorsOf(checkpoint: Checkpoint, component: ModelComponent): Record<string, string> {
  const weights = checkpoint.components.get(component) ?? new Map();
  return Object.fromEntries(Array.from(weights, ([name, { tensor }]) => [name, String(tensor)]));
}

describe.each(models)("%s", (_, config) => {
  it("is known by a single file's names and shapes", () => {
    const checkpoint = describeCheckpoint(singleFileHeaders(config));
    expect(checkpoint).toMatchObject({ kind: "single-file", config, extras: [], dtypes: ["F16"] });
    for (const [component, parameters] of modelParameters(config)) {
      expect(tensorsOf(checkpoint, component)).toEqual(
        Object.fromEntries(parameters.map(({ name, file }) => [name, file])),
      );
    }
  });

  it("is known as a diffusers folder", () => {
    const checkpoint = describeCheckpoint(diffusersHeaders(config));
    expect(checkpoint).toMatchObject({ kind: "diffusers", config, extras: [] });
    for (const [component, parameters] of modelParameters(config)) {
      expect(tensorsOf(checkpoint, component)).toEqual(
        Object.fromEntries(parameters.map(({ name }) => [name, name])),
      );
    }
  });

  it("is known as a UNet alone, with and without prefix, by both names", () => {
    const components = ["unet"] as const;
    const bare = (prefix: string) => (shapes: Map<string, readonly number[]>) => {
      for (const [name, shape] of Array.from(shapes)) {
        shapes.delete(name);
        shapes.set(name.replace("model.diffusion_model.", prefix), shape);
      }
    };
    const unet = modelParameters(config).get("unet") ?? [];
    for (const files of [
      singleFileHeaders(config, { components }),
      singleFileHeaders(config, { components, change: bare("") }),
      singleFileHeaders(config, { components, change: bare("diffusion_model.") }),
      filesOf(new Map(unet.map(({ name, shape }) => [name, shape]))),
    ]) {
      const checkpoint = describeCheckpoint(files);
      // A file without config.json: heads by rule.
      expect(checkpoint).toMatchObject({
        kind: "unet-only",
        config: { ...config, textEncoders: [], vae: null },
      });
      expect(checkpoint.components.get("unet")?.size).toBe(unet.length);
    }
  });
});

it("a whole SDXL has the numbers of tensors and parameters that were published", () => {
  const { components, tensors } = describeCheckpoint(
    singleFileHeaders(publishedModel("sdxl"), {
      change: (shapes) => {
        shapes.set(
          "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
          [1, 77],
        );
        shapes.set("conditioner.embedders.1.model.logit_scale", []);
      },
    }),
  );
  const sizes = Array.from(components, ([component, weights]) => {
    const values = Array.from(weights.values(), ({ shape }) => elementCount(shape));
    return [component, weights.size, values.reduce((sum, size) => sum + size, 0)];
  });
  expect(tensors).toBe(2515);
  // formats.md 5.1
  expect(sizes).toEqual([
    ["unet", 1680, 2_567_463_684],
    ["text_encoder", 196, 123_060_480],
    ["text_encoder_2", 517, 694_659_840],
    ["vae", 248, 83_653_863],
  ]);
});

describe("byte ranges", () => {
  const checkpoint = describeCheckpoint(singleFileHeaders(tinyConfigs.sdxl));
  const bigG = checkpoint.components.get("text_encoder_2");

  it("of queries, keys and values are thirds of one tensor, end to end", () => {
    const layer = "text_model.encoder.layers.1.self_attn";
    for (const [kind, bytes, shape] of [
      ["weight", 64 * 64 * 2, [64, 64]],
      ["bias", 64 * 2, [64]],
    ] as const) {
      const ranges = ["q_proj", "k_proj", "v_proj"].map((name) =>
        bigG?.get(`${layer}.${name}.${kind}`),
      );
      const [first] = ranges;
      ranges.forEach((range, third) => {
        expect(range).toMatchObject({
          tensor: `conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_${kind}`,
          shape,
          length: bytes,
          offset: (first?.offset ?? 0) + third * bytes,
          transposed: false,
        });
      });
    }
  });

  it("of the text projection are those of its transpose", () => {
    expect(bigG?.get("text_projection.weight")).toMatchObject({
      tensor: "conditioner.embedders.1.model.text_projection",
      transposed: true,
    });
  });

  it("of a text projection that is stored as a Linear are its own", () => {
    const files = singleFileHeaders(tinyConfigs.sdxl, {
      change: (shapes) => {
        shapes.delete("conditioner.embedders.1.model.text_projection");
        shapes.set("conditioner.embedders.1.model.text_projection.weight", [64, 64]);
      },
    });
    expect(
      describeCheckpoint(files).components.get("text_encoder_2")?.get("text_projection.weight"),
    ).toMatchObject({ transposed: false });
  });
});

it("text encoders without the level text_model are known", () => {
  for (const config of Object.values(tinyConfigs)) {
    const change = (shapes: Map<string, readonly number[]>) => {
      for (const [name, shape] of Array.from(shapes)) {
        if (!/transformer\.text_model|^text_model/.test(name)) continue;
        shapes.delete(name);
        shapes.set(name.replace("text_model.", ""), shape);
      }
    };
    expect(describeCheckpoint(singleFileHeaders(config, { change })).config).toEqual(config);
    expect(describeCheckpoint(diffusersHeaders(config, { change })).config).toEqual(config);
  }
});

it("a diffusers folder's config.json says how many heads there are, which no shape does", () => {
  const config = {
    ...tinyConfigs.sdxl,
    unet: { ...tinyConfigs.sdxl.unet, heads: [1, 2, 4] },
  };
  expect(describeCheckpoint(diffusersHeaders(config)).config.unet.heads).toEqual([1, 2, 4]);
});

describe("an external VAE", () => {
  const { vae } = tinyConfigs.sd15;
  const parameters = modelParameters(tinyConfigs.sd15).get("vae") ?? [];
  const names = parameters.map(({ name }) => name);

  it.each([
    ["with a checkpoint's prefix", (file: string) => file, "file"],
    ["with ldm's names", (file: string) => file.replace("first_stage_model.", ""), "file"],
    ["with diffusers' names", (name: string) => name, "name"],
    [
      "with diffusers' older names",
      (name: string) =>
        name
          .replace(".to_q.", ".query.")
          .replace(".to_k.", ".key.")
          .replace(".to_v.", ".value.")
          .replace(".to_out.0.", ".proj_attn."),
      "name",
    ],
  ] as const)("is known %s", (_, spell, kind) => {
    const shapes = parameters.map(
      (parameter) => [spell(parameter[kind]), parameter.fileShape ?? parameter.shape] as const,
    );
    const found = describeVae(filesOf(new Map(shapes)), "sd15");
    expect(found.config).toEqual(vae);
    expect(Array.from(found.weights.keys()).toSorted()).toEqual(names.toSorted());
  });
});

describe("what is predicted", () => {
  const withMarks = (...names: string[]) =>
    singleFileHeaders(tinyConfigs.sdxl, {
      change: (shapes) => names.forEach((name) => shapes.set(name, [])),
    });
  const said = (metadata: Record<string, string>) =>
    singleFileHeaders(tinyConfigs.sdxl, { metadata });
  const scheduled = (scheduler: Record<string, unknown>) =>
    diffusersHeaders(tinyConfigs.sdxl, {}, scheduler);

  it.each([
    ["a v_pred key", withMarks("v_pred"), "velocity", false],
    ["v_pred and ztsnr keys", withMarks("v_pred", "ztsnr"), "velocity", true],
    ["metadata", said({ "modelspec.prediction_type": "v" }), "velocity", false],
    ["longer metadata", said({ "modelspec.prediction_type": "v_prediction" }), "velocity", false],
    ["metadata of noise", said({ "modelspec.prediction_type": "epsilon" }), "epsilon", false],
    ["a scheduler", scheduled({ prediction_type: "v_prediction" }), "velocity", false],
    [
      "a scheduler that rescales",
      scheduled({ prediction_type: "v_prediction", rescale_betas_zero_snr: true }),
      "velocity",
      true,
    ],
    ["a plain scheduler", scheduled({}), "epsilon", false],
  ] as const)("is told by %s", (_, files, prediction, zeroTerminalSnr) => {
    const { config, extras } = describeCheckpoint(files);
    expect(config).toMatchObject({ prediction, zeroTerminalSnr });
    expect(extras).toEqual([]);
  });
});

it("tensors that nothing reads are listed, and what training leaves behind is not", () => {
  const { extras } = describeCheckpoint(
    singleFileHeaders(tinyConfigs.sd15, {
      change: (shapes) => {
        shapes.set("merged_from.alpha", [3]);
        shapes.set("first_stage_model.unheard_of", [1]);
        shapes.set("model_ema.decay", []);
        shapes.set("alphas_cumprod", [1000]);
        shapes.set("cond_stage_model.transformer.text_model.embeddings.position_ids", [1, 77]);
      },
    }),
  );
  expect(extras).toEqual(["merged_from.alpha", "first_stage_model.unheard_of"]);
});
