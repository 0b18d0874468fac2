/** A prompt encoded as ComfyUI's CLIPTextEncode does: weights, trained words, any number of chunks. */
import type { ClipConfig } from "../clip-config.ts";
import { chunked, framed, type Position, type Weighted } from "./chunks.ts";
import { comfyEnd, type Encode, encodeRows, type EncoderOutput } from "./encoder.ts";
import { pythonSplit } from "./python.ts";
import type { Layer } from "./skip.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { atTrainedWords, type TrainedWords } from "./trained-words.ts";
import { weightedSegments } from "./weights.ts";

/** Chunks of one encoder, and names behind `embedding:` that nothing is known of. */
export function comfyChunks(
  prompt: string,
  tokenizer: Tokenizer,
  config: ClipConfig,
  words: TrainedWords,
): { chunks: Weighted[][]; unknown: string[] } {
  const unknown: string[] = [];
  const groups = weightedSegments(prompt).flatMap(({ text, weight }) =>
    positionsOf(text, tokenizer, words, unknown).map((group) =>
      group.map((position) => ({ position, weight })),
    ),
  );
  return { chunks: chunked(groups, config), unknown };
}

const identifier = "embedding:";

/** Groups of positions that belong together: a run of text, the vectors of a word. */
function positionsOf(
  text: string,
  tokenizer: Tokenizer,
  words: TrainedWords,
  unknown: string[],
): (readonly Position[])[] {
  const plain = (part: string) =>
    atTrainedWords(part, words).map((piece) =>
      typeof piece === "string" ? tokenizer.encode(piece) : piece,
    );
  const [first = "", ...others] = text.split(/ embedding:|\nembedding:/u);
  const parts = [first, ...others.map((part) => identifier + part)].filter((part) => part !== "");
  return parts.flatMap((part) => {
    if (!part.startsWith(identifier)) return plain(part);
    const { vectors, name, leftover } = embeddingAt(part.slice(identifier.length), words);
    if (vectors === undefined) unknown.push(name);
    return [...(vectors ? [vectors] : []), ...(leftover === "" ? [] : plain(leftover))];
  });
}

/** As ComfyUI's `_try_get_embedding`: a name goes to the next space, less commas where only that is known. */
function embeddingAt(text: string, words: TrainedWords) {
  const [name = "", ...rest] = pythonSplit(text);
  const leftover = rest.join(" ");
  const vectors = words.get(name);
  const stripped = name.replaceAll(/^,+|,+$/gu, "");
  if (vectors !== undefined || stripped.length === name.length) return { vectors, name, leftover };
  return {
    vectors: words.get(stripped),
    name: stripped,
    leftover: `${name.slice(stripped.length)} ${leftover}`,
  };
}

/**
 * States of all chunks, one after the other, moved away from those of an empty prompt by the weights; nothing is
 * normalised afterwards. The pooled vector is the first chunk's, and weights do not touch it.
 */
export async function encodeComfy(
  chunks: readonly (readonly Weighted[])[],
  encode: Encode,
  config: ClipConfig,
  layer: Layer,
): Promise<EncoderOutput> {
  const weighs = chunks.some((chunk) => chunk.some(({ weight }) => weight !== 1));
  const rows = weighs ? [...chunks, framed([], config)] : chunks;
  const { hidden, pooled } = await encodeRows(encode, config, layer, rows, comfyEnd);
  if (!weighs) return { hidden, pooled };
  const perChunk = config.positions * config.width;
  const result = hidden.slice(0, chunks.length * perChunk);
  const empty = hidden.subarray(chunks.length * perChunk);
  chunks.forEach((chunk, index) => {
    chunk.forEach(({ weight }, place) => {
      if (weight === 1) return;
      for (let channel = 0; channel < config.width; channel++) {
        const at = place * config.width + channel;
        const [z = 0, base = 0] = [result[index * perChunk + at], empty[at]];
        result[index * perChunk + at] = (z - base) * weight + base;
      }
    });
  });
  return { hidden: result, pooled };
}
