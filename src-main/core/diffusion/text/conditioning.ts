/** Prompt and negative prompt as the UNet's context and pooled vector, by the convention of ComfyUI or of diffusers. */
import type { Embedding } from "../../lora/lora.ts";
import type { ClipConfig } from "../clip-config.ts";
import type { Family } from "../unet-config.ts";
import { comfyChunks, encodeComfy } from "./comfy.ts";
import { diffusersEnd, diffusersRow } from "./diffusers.ts";
import { type Encode, encodeRows, type EncoderOutput } from "./encoder.ts";
import { contextLayer } from "./skip.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainedWords } from "./trained-words.ts";
import { weightedSegments } from "./weights.ts";

/** Whose way of making pictures is followed where the two differ. */
export type Convention = "comfy" | "diffusers";

export interface TextModel {
  readonly family: Family;
  /** In the order of their numbers. */
  readonly textEncoders: readonly ClipConfig[];
  readonly tokenizer: Tokenizer;
  readonly encode: Encode;
}

export interface TextRequest {
  readonly convention: Convention;
  readonly prompt: string;
  /** Null where nothing is guided away from, so that none is encoded. */
  readonly negative: string | null;
  /** Layers counted from the end, the last is 1; null for the family's own. */
  readonly clipSkip: number | null;
  /** Trained words of the LoRAs in use. */
  readonly embeddings: readonly Embedding[];
}

export interface Conditioning {
  /** [tokens, widths of the encoders] */
  readonly context: Float32Array;
  readonly tokens: number;
  /** [projection] of SDXL's second encoder; null for SD1.5. */
  readonly pooled: Float32Array | null;
}

export interface Conditionings {
  readonly positive: Conditioning;
  readonly negative: Conditioning | null;
  /** What was left out of the prompts, in sentences. */
  readonly notes: readonly string[];
}

/**
 * One encoder after the other, so that they need not be in memory at once. Throws where a prompt is too long or a
 * weight is no number.
 */
export async function conditionings(
  model: TextModel,
  request: TextRequest,
): Promise<Conditionings> {
  const { convention, prompt, negative } = request;
  // force_zeros_for_empty_prompt, which SDXL's published folder sets.
  const zeros = convention === "diffusers" && model.family === "sdxl" && negative === "";
  const notes = new Set(request.embeddings.flatMap(toldTwice));
  const positives: Encoded[] = [];
  const negatives: Encoded[] = [];
  for (const config of model.textEncoders) {
    const encoded = async (which: Which, text: string): Promise<Encoded> => ({
      config,
      output: await encodeWith(config, model, request, which, text, notes),
    });
    positives.push(await encoded("prompt", prompt));
    if (negative !== null && !zeros) negatives.push(await encoded("negative prompt", negative));
  }
  const positive = joined(positives);
  const guided = () => (zeros ? zerosLike(positive) : joined(negatives));
  return { positive, negative: negative === null ? null : guided(), notes: [...notes] };
}

function toldTwice(
  { token, component }: Embedding,
  index: number,
  all: readonly Embedding[],
): string[] {
  const first = all.findIndex((other) => other.token === token && other.component === component);
  return first === index
    ? []
    : [`Two LoRAs in use have vectors for the word ${token}: those of the last one are used.`];
}

type Which = "prompt" | "negative prompt";

interface Encoded {
  readonly config: ClipConfig;
  readonly output: EncoderOutput;
}

function zerosLike({ context, tokens, pooled }: Conditioning): Conditioning {
  return {
    context: new Float32Array(context.length),
    tokens,
    pooled: pooled && new Float32Array(pooled.length),
  };
}

async function encodeWith(
  config: ClipConfig,
  { family, tokenizer, encode }: TextModel,
  { convention, clipSkip, embeddings }: TextRequest,
  which: Which,
  text: string,
  notes: Set<string>,
): Promise<EncoderOutput> {
  const words = trainedWords(embeddings, config);
  if (convention === "comfy") {
    const layer = contextLayer(convention, family, config, clipSkip);
    const { chunks, unknown } = comfyChunks(text, tokenizer, config, words);
    for (const name of unknown) {
      notes.add(
        `The ${which} asks for "embedding:${name}", which no LoRA in use has for ${config.component}: left out.`,
      );
    }
    return await encodeComfy(chunks, encode, config, layer);
  }
  // diffusers skips layers for the prompt only.
  const skip = which === "prompt" ? clipSkip : null;
  const layer = contextLayer(convention, family, config, skip);
  const { row, cut } = diffusersRow(text, tokenizer, config, words);
  if (cut > 0) {
    notes.add(
      `The ${which} was cut behind ${config.positions - 2} tokens, as diffusers does: ${cut} left out.`,
    );
  }
  if (weightedSegments(text).some(({ weight }) => weight !== 1)) {
    notes.add(`The ${which} has weights, which diffusers reads as text.`);
  }
  return await encodeRows(encode, config, layer, [row], diffusersEnd(words));
}

/** States of the encoders side by side; where one has more chunks it is cut (comfy/sdxl_clip.py). */
function joined(outputs: readonly Encoded[]): Conditioning {
  const tokens = Math.min(
    ...outputs.map(({ config, output }) => output.hidden.length / config.width),
  );
  const width = outputs.reduce((sum, { config }) => sum + config.width, 0);
  const context = new Float32Array(tokens * width);
  let offset = 0;
  for (const { config, output } of outputs) {
    for (let token = 0; token < tokens; token++) {
      const state = output.hidden.subarray(token * config.width, (token + 1) * config.width);
      context.set(state, token * width + offset);
    }
    offset += config.width;
  }
  return { context, tokens, pooled: outputs.at(-1)?.output.pooled ?? null };
}
