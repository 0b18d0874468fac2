/** Tiny text encoders and whole prompts on ONNX Runtime, held against transformers, ComfyUI and diffusers. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ClipOutputs } from "../../src-main/core/diffusion/clip.ts";
import {
  type Conditioning,
  conditionings,
} from "../../src-main/core/diffusion/text/conditioning.ts";
import { type EncoderInput, encoderFeeds } from "../../src-main/core/diffusion/text/encoder.ts";
import type { Embedding } from "../../src-main/core/lora/lora.ts";
import { cast } from "../../src-main/core/graph/build/index.ts";
import { shippedTokenizer } from "../../src-main/engine/pictures/clip-merges.ts";
import type { Tensor } from "../../src-main/engine/session.ts";
import { tinyEncoder, TinyText } from "../support/diffusion/tiny-encoders.ts";
import { tinyConfigs } from "../support/models/tiny-configs.ts";
import { relativeError } from "../support/networks/references.ts";
import { readTensorFile } from "../support/safetensors.ts";

const folder = join(import.meta.dirname, "../fixtures/text");

function references(name: string) {
  const { tensors, metadata } = readTensorFile(join(folder, `${name}.safetensors`));
  expect(metadata).toMatchObject({ magic: "facet-reference", version: "1" });
  const stride = Number(metadata["stride"]);
  const get = (key: string): Tensor => {
    const found = tensors.get(key);
    if (found === undefined) throw new Error(`the reference lacks ${key}`);
    return found;
  };
  /** Every stride-th number. */
  const thin = (values: Tensor["values"]): Tensor => {
    const kept = Float32Array.from({ length: Math.ceil(values.length / stride) }, (_, index) =>
      Number(values[index * stride]),
    );
    return { shape: [kept.length], values: kept };
  };
  return { get, thin, tensors, metadata };
}

const flat = (values: Float32Array): Tensor => ({ shape: [values.length], values });

describe.each(tinyConfigs.sdxl.textEncoders)("$component", (config) => {
  const { get, thin } = references("encoders");
  const name = config.component;
  const ids = Int32Array.from(get(`${name} ids`).values, Number);
  const given: EncoderInput = {
    config,
    layer: { index: 0, normalized: false },
    rows: 2,
    ids,
    ends: Int32Array.from([0, 1], (row) => ids.subarray(77 * row, 77 * (row + 1)).indexOf(49_407)),
    extra: new Float32Array(),
  };

  it.each([
    ["F32", 1e-5],
    ["F16", 5e-3],
  ] as const)("gives what transformers gives, computing in %s", async (compute, error) => {
    const choose = ({ hidden, final, pooled }: ClipOutputs) => {
      const all = {
        ...Object.fromEntries(hidden.map((state, layer) => [`hidden ${layer}`, state])),
        final,
        pooled,
      };
      return Object.fromEntries(Object.entries(all).map(([key, node]) => [key, cast(node, "F32")]));
    };
    await using encoder = await tinyEncoder(config, choose, compute);
    const found = await encoder.run(encoderFeeds(given));
    expect(Object.keys(found)).toHaveLength(config.layers + 3);
    for (const [key, tensor] of Object.entries(found)) {
      const kept = key === "pooled" ? tensor : thin(tensor.values);
      expect(relativeError(kept, get(`${name} ${key}`)), key).toBeLessThan(error);
    }
  });
});

const Case = z.object({
  name: z.string(),
  convention: z.enum(["comfy", "diffusers"]),
  family: z.enum(["sdxl", "sd15"]),
  prompt: z.string(),
  negative: z.string(),
  clipSkip: z.int().nullable().default(null),
});

describe("conditioning", () => {
  const stored = references("conditioning");
  const cases = z.array(Case).parse(JSON.parse(stored.metadata["cases"] ?? "[]"));
  const embeddings = Array.from(stored.tensors).flatMap(([key, { shape, values }]): Embedding[] => {
    const [kind, component, token = ""] = key.split(" ");
    const [count = 0, width = 0] = shape;
    if (kind !== "vectors" || (component !== "text_encoder" && component !== "text_encoder_2"))
      return [];
    return [{ token, component, shape: [count, width], values }];
  });
  const text = new TinyText();
  afterAll(async () => await text[Symbol.asyncDispose]());

  it("is compared in all its cases", () => {
    expect(cases.length).toBeGreaterThan(35);
    expect(embeddings).toHaveLength(5);
  });

  it.each(cases)(
    "$name: $prompt",
    async ({ name, convention, family, prompt, negative, clipSkip }) => {
      const model = {
        family,
        textEncoders: tinyConfigs[family].textEncoders,
        tokenizer: shippedTokenizer(),
        encode: text.encode,
      };
      const own = embeddings.filter(
        // The pipeline of diffusers has only words for both encoders, and none where the prompt has none.
        ({ token }) => convention === "comfy" || (token !== "look" && prompt.includes("<s1>")),
      );
      const found = await conditionings(model, {
        convention,
        prompt,
        negative,
        clipSkip,
        embeddings: own,
      });
      const check = (side: string, conditioning: Conditioning | null) => {
        if (conditioning === null) throw new Error("nothing was encoded");
        const { context, tokens, pooled } = conditioning;
        const width = context.length / tokens;
        const lengths = Float32Array.from({ length: tokens }, (_, token) =>
          Math.hypot(...context.subarray(token * width, (token + 1) * width)),
        );
        const zero = family === "sdxl" && convention === "diffusers" && negative === "";
        const parts = {
          context: stored.thin(context),
          lengths: flat(lengths),
          ...(pooled && { pooled: flat(pooled) }),
        };
        for (const [part, values] of Object.entries(parts)) {
          const expected = stored.get(`${name} ${side} ${part}`);
          if (zero && side === "negative")
            expect(values).toEqual({ ...expected, dtype: undefined });
          else expect(relativeError(values, expected), `${side} ${part}`).toBeLessThan(1e-5);
        }
        expect(pooled === null).toBe(family === "sd15");
      };
      check("prompt", found.positive);
      check("negative", found.negative);
    },
  );
});
