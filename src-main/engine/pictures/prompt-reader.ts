/** Prompts as the UNet's context: each encoder is opened in turn, and what was read once is kept. */
import { createHash } from "node:crypto";
import {
  type Conditionings,
  conditionings,
  type TextRequest,
} from "../../core/diffusion/text/conditioning.ts";
import type { EncoderInput, EncoderOutput } from "../../core/diffusion/text/encoder.ts";
import { assert } from "../../core/errors.ts";
import { shippedTokenizer } from "./clip-merges.ts";
import type { LoraFeeds } from "./lora-feeds.ts";
import type { Tensor } from "../tensors.ts";
import type { MountedModel } from "./mounted-model.ts";

/** A few hundred kB each at SDXL's widths. */
const mostKept = 64;

export class PromptReader {
  readonly #kept = new WeakMap<MountedModel, Map<string, Conditionings>>();

  /** `key` tells apart what was read. */
  async read(
    model: MountedModel,
    request: TextRequest,
    loras: LoraFeeds,
  ): Promise<{ texts: Conditionings; key: string; milliseconds: number }> {
    const started = performance.now();
    const { prompt, negative, clipSkip, convention } = request;
    const words = request.embeddings.map(({ token, component }) => [token, component]);
    const key = createHash("sha256")
      .update(JSON.stringify([prompt, negative, clipSkip, convention, words, loras.textKey]))
      .digest("hex");
    const kept = this.#kept.get(model) ?? new Map<string, Conditionings>();
    this.#kept.set(model, kept);
    const texts = kept.get(key) ?? (await readTexts(model, request, loras));
    kept.delete(key);
    kept.set(key, texts);
    for (const old of kept.keys()) {
      if (kept.size <= mostKept) break;
      kept.delete(old);
    }
    return { texts, key, milliseconds: performance.now() - started };
  }
}

function readTexts(
  model: MountedModel,
  request: TextRequest,
  loras: LoraFeeds,
): Promise<Conditionings> {
  return conditionings(
    {
      family: model.checkpoint.config.family,
      textEncoders: model.textEncoders,
      tokenizer: shippedTokenizer(),
      encode: (input) => encode(model, input, loras),
    },
    request,
  );
}

async function encode(
  model: MountedModel,
  { config, rows, ids, extra, ends, layer }: EncoderInput,
  loras: LoraFeeds,
): Promise<EncoderOutput> {
  const { component, positions, width } = config;
  // The graph wants one row at least, which no token points to.
  const vectors = extra.length === 0 ? new Float32Array(width) : extra;
  const { feeds, adapted, sizes } = loras.of(component);
  const all = new Map([...sizes, ["rows", rows], ["vectors", vectors.length / width]] as const);
  using opened = await model.text(config, layer, adapted, all);
  const given: Readonly<Record<string, Tensor>> = {
    ids: { shape: [rows, positions], values: ids },
    extra: { shape: [vectors.length / width, width], values: vectors },
    ends: { shape: [rows], values: ends },
    ...feeds,
  };
  // A context from the last layer but one needs nothing behind it.
  const { inputs } = opened.session;
  const { hidden, pooled } = await opened.session.run(
    Object.fromEntries(inputs.flatMap(({ name }) => (given[name] ? [[name, given[name]]] : []))),
  );
  assert(hidden?.values instanceof Float32Array, "states are F32");
  return {
    hidden: hidden.values,
    pooled: pooled?.values instanceof Float32Array ? pooled.values : null,
  };
}
