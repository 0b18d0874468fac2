/** A prompt encoded as diffusers' pipelines do: taken literally, and cut where the encoder's positions end. */
import type { ClipConfig } from "../clip-config.ts";
import { endToken } from "./byte-pairs.ts";
import { framed, type Position, type Weighted } from "./chunks.ts";
import { type AddedToken, normalize, type Tokenizer } from "./tokenizer.ts";
import type { TrainedWords } from "./trained-words.ts";

/** One row, and how many tokens were cut from it. */
export function diffusersRow(
  prompt: string,
  tokenizer: Tokenizer,
  config: ClipConfig,
  words: TrainedWords,
): { row: Weighted[]; cut: number } {
  const vectors = [...words].flatMap(([word, all]) =>
    all.map((vector, index): [string, Float32Array] => [numbered(word, index), vector]),
  );
  const added: AddedToken[] = vectors.map(([content], index) => ({
    content,
    token: config.vocabulary + index,
    normalized: true,
  }));
  // What fills up is a special token of its tokenizer: "!" of SDXL's second, wherever it stands in a prompt.
  if (config.padding !== endToken)
    added.push({ content: "!", token: config.padding, normalized: false });

  const tokens = tokenizer.encode(spelledOut(prompt, tokenizer, words, added), added);
  const room = config.positions - 2;
  const body = tokens.slice(0, room).map((token): Weighted => {
    const position = vectors[token - config.vocabulary]?.[1] ?? token;
    return { position, weight: 1 };
  });
  return { row: framed(body, config), cut: Math.max(0, tokens.length - room) };
}

/** Names of a word's vectors (diffusers/loaders/textual_inversion.py, _extend_tokens_and_embeddings). */
function numbered(word: string, index: number): string {
  return index === 0 ? word : `${word}_${index}`;
}

/**
 * Words of several vectors with all of them (`_maybe_convert_prompt`). The tokenizer tells in lower case what it
 * found, so that a word with capitals keeps its first vector only.
 */
function spelledOut(
  prompt: string,
  tokenizer: Tokenizer,
  words: TrainedWords,
  added: readonly AddedToken[],
): string {
  const found = new Set(tokenizer.encode(prompt, added));
  const contents = added.filter(({ token }) => found.has(token)).map(({ content }) => content);
  return contents
    .filter((content) => content === normalize(content))
    .reduce((text, content) => {
      const names = (words.get(content) ?? []).map((_, index) => numbered(content, index));
      return names.length > 1 ? text.replaceAll(content, () => names.join(" ")) : text;
    }, prompt);
}

/**
 * transformers pools at the largest id, as the published configurations ask it to (`eos_token_id` 2): the first end,
 * or the last of the vectors added, where the prompt has trained words.
 */
export function diffusersEnd(words: TrainedWords): (row: readonly Position[]) => number {
  const order = [...words.values()].flat();
  return (row) => {
    const ids = row.map((position) =>
      typeof position === "number" ? position : endToken + 1 + order.indexOf(position),
    );
    return ids.indexOf(Math.max(...ids));
  };
}
