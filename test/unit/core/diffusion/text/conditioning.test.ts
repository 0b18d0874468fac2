/** What is asked of the encoders for a prompt, and how their answers are joined. */
import { describe, expect, it } from "vitest";
import { clipConfigs } from "../../../../../src-main/core/diffusion/clip-config.ts";
import { sizeConditioning } from "../../../../../src-main/core/diffusion/sizes.ts";
import {
  type Conditioning,
  conditionings,
  type TextRequest,
} from "../../../../../src-main/core/diffusion/text/conditioning.ts";
import type { Encode, EncoderInput } from "../../../../../src-main/core/diffusion/text/encoder.ts";
import { equalLengths } from "../../../../../src-main/core/diffusion/text/lengths.ts";
import { contextLayer } from "../../../../../src-main/core/diffusion/text/skip.ts";
import type { Family } from "../../../../../src-main/core/diffusion/unet-config.ts";
import type { Embedding } from "../../../../../src-main/core/lora/lora.ts";
import { shippedTokenizer } from "../../../../../src-main/engine/pictures/clip-merges.ts";

/** Encoders of width 2 whose states are the id and the row, and what they were given. */
function listening() {
  const given: EncoderInput[] = [];
  const encode: Encode = async (input) => {
    given.push(input);
    const hidden = new Float32Array(input.ids.length * 2);
    input.ids.forEach((id, at) => hidden.set([id, Math.floor(at / 77)], 2 * at));
    const { projection } = input.config;
    return { hidden, pooled: projection === undefined ? null : input.extra.slice(0, projection) };
  };
  return { given, encode };
}

function ask(family: Family, request: Partial<TextRequest>) {
  const { given, encode } = listening();
  const textEncoders = clipConfigs[family].map((config) => ({
    ...config,
    width: 2,
    ...(config.projection === undefined ? {} : { projection: 2 }),
  }));
  const result = conditionings(
    { family, textEncoders, tokenizer: shippedTokenizer(), encode },
    { convention: "comfy", prompt: "", negative: null, clipSkip: null, embeddings: [], ...request },
  );
  return { given, result };
}

const word = (token: string, count: number, component: Embedding["component"]): Embedding => ({
  token,
  component,
  shape: [count, 2],
  values: Float32Array.from({ length: 2 * count }, (_, index) => index),
});
const both = (token: string, count: number) => [
  word(token, count, "text_encoder"),
  word(token, count, "text_encoder_2"),
];

describe("trained words", () => {
  it("take the places of their vectors, typed alone or behind embedding:", async () => {
    const embeddings = both("<s1>", 2);
    const bare = ask("sdxl", { prompt: "photo of (<S1>:1.3) smiling", embeddings });
    await bare.result;
    const [first] = bare.given;
    expect(Array.from(first?.ids.slice(0, 7) ?? [])).toEqual([
      49406, 1125, 539, 49408, 49409, 9200, 49407,
    ]);
    expect(first?.extra).toEqual(Float32Array.of(0, 1, 2, 3));
    expect(first?.ends[0]).toBe(6);
    // The empty prompt is encoded beside a weighted one.
    expect(first?.rows).toBe(2);
    const called = ask("sdxl", { prompt: "photo of (embedding:<s1>:1.3) smiling", embeddings });
    expect(await called.result).toEqual(await bare.result);
  });

  it("are whole words for ComfyUI, and found inside others by diffusers", async () => {
    const embeddings = both("sks", 1);
    const ids = async (convention: "comfy" | "diffusers") => {
      const { given, result } = ask("sd15", { convention, prompt: "masks", embeddings });
      await result;
      return Array.from(given[0]?.ids.slice(1, 4) ?? []);
    };
    expect(await ids("comfy")).toEqual([19_055, 49_407, 49_407]);
    expect(await ids("diffusers")).toEqual([1226, 49_408, 49_407]);
  });

  it("are refused by name where they are of another width", async () => {
    const embeddings: Embedding[] = [
      { token: "<s1>", component: "text_encoder", shape: [1, 3], values: new Float32Array(3) },
    ];
    await expect(ask("sd15", { prompt: "a", embeddings }).result).rejects.toMatchObject({
      code: "shape-mismatch",
      message:
        "The trained word <s1> has vectors of 3 numbers and this model's text_encoder reads 2: the LoRA is for another model.",
    });
  });

  it("of two LoRAs are the last one's, which is said", async () => {
    const first = both("<s1>", 1).map((embedding) => ({
      ...embedding,
      values: Float32Array.of(8, 9),
    }));
    const embeddings = [...first, ...both("<s1>", 1)];
    const { given, result } = ask("sdxl", { prompt: "<s1>", embeddings });
    expect((await result).notes).toEqual([
      "Two LoRAs in use have vectors for the word <s1>: those of the last one are used.",
    ]);
    expect(given.map(({ extra }) => [...extra])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("that are unknown are left out and said", async () => {
    const { notes } = await ask("sd15", { prompt: "a cat embedding:none," }).result;
    expect(notes).toEqual([
      'The prompt asks for "embedding:none", which no LoRA in use has for text_encoder: left out.',
    ]);
  });
});

describe("long prompts", () => {
  const cats = (count: number) => Array.from({ length: count }, () => "cat").join(" ");

  it("fill as many chunks as they need, a few encoded at a time", async () => {
    const { given, result } = ask("sd15", { prompt: cats(75 * 40 - 1) });
    const { positive } = await result;
    expect(positive.tokens).toBe(40 * 77);
    expect(given.map(({ rows }) => rows)).toEqual([16, 16, 8]);
    expect(Array.from(positive.context.slice(-4))).toEqual([49_407, 7, 49_407, 7]);
  });

  it("of 10,000 tokens are refused by name for ComfyUI", async () => {
    await expect(ask("sdxl", { prompt: cats(10_000) }).result).rejects.toMatchObject({
      code: "too-large",
      field: "prompt",
      message:
        "The prompt has 10000 tokens, which fill 134 chunks of 75; at most 64 chunks are encoded (4800 tokens). Shorten it.",
    });
  });

  it("are cut for diffusers, which is said", async () => {
    const { notes, positive } = await ask("sdxl", {
      convention: "diffusers",
      prompt: `(${cats(10_000)}:1.2)`,
    }).result;
    expect(positive.tokens).toBe(77);
    expect(notes).toEqual([
      "The prompt was cut behind 75 tokens, as diffusers does: 9931 left out.",
      "The prompt has weights, which diffusers reads as text.",
    ]);
  });
});

describe("the negative prompt", () => {
  it("is not encoded where nothing is guided", async () => {
    const { given, result } = ask("sd15", { negative: null });
    expect((await result).negative).toBeNull();
    expect(given).toHaveLength(1);
  });

  it("is zeros where it is empty for diffusers' SDXL, and the empty prompt's states elsewhere", async () => {
    const zeros = await ask("sdxl", { convention: "diffusers", prompt: "a", negative: "" }).result;
    expect(zeros.negative?.context.every((value) => value === 0)).toBe(true);
    for (const [family, convention] of [
      ["sd15", "diffusers"],
      ["sdxl", "comfy"],
    ] as const) {
      const { negative } = await ask(family, { convention, prompt: "a", negative: "" }).result;
      expect(negative?.context.every((value) => value === 0)).toBe(false);
    }
  });
});

describe("clip skip", () => {
  it("counts as ComfyUI counts, of the positive prompt only for diffusers", async () => {
    const layers = async (convention: "comfy" | "diffusers") => {
      const { given, result } = ask("sdxl", { convention, negative: "a", clipSkip: 3 });
      await result;
      return given.map(({ layer }) => layer.index);
    };
    expect(await layers("comfy")).toEqual([10, 10, 30, 30]);
    expect(await layers("diffusers")).toEqual([10, 11, 30, 31]);
  });

  it("beyond the encoder is refused by name for diffusers", () => {
    const [config] = clipConfigs.sd15;
    if (config === undefined) throw new Error("SD1.5 has an encoder");
    expect(contextLayer("diffusers", "sd15", config, 13)).toEqual({ index: 0, normalized: true });
    expect(() => contextLayer("diffusers", "sd15", config, 14)).toThrow(
      "Clip skip 14 leaves out more than the 12 layers of text_encoder: choose at most 13.",
    );
    expect(contextLayer("comfy", "sdxl", config, 14)).toEqual({ index: 12, normalized: true });
  });
});

describe("contexts of different lengths", () => {
  const of = (chunks: number): Conditioning => ({
    context: Float32Array.from({ length: chunks * 77 }, (_, index) => index),
    tokens: chunks * 77,
    pooled: null,
  });

  it("are repeated to the least common multiple, as ComfyUI does", () => {
    const [left, right] = equalLengths(of(3), of(2)) ?? [];
    expect([left?.tokens, right?.tokens]).toEqual([462, 462]);
    expect(right?.context.slice(154, 308)).toEqual(of(2).context);
    expect(equalLengths(of(2), of(2))).toEqual([of(2), of(2)]);
  });

  it("are run apart where that takes more than four repetitions", () => {
    expect(equalLengths(of(4), of(1))).not.toBeNull();
    expect(equalLengths(of(5), of(1))).toBeNull();
  });
});

it("sizes are height and width, the crop, height and width", () => {
  expect(Array.from(sizeConditioning({ height: 832, width: 1216 }))).toEqual([
    832, 1216, 0, 0, 832, 1216,
  ]);
});
