/** Words that a LoRA file carries vectors for, as they stand in a prompt. */
import { FacetError } from "../../errors.ts";
import type { Embedding } from "../../lora/lora.ts";
import type { ClipConfig } from "../clip-config.ts";
import type { Position } from "./chunks.ts";
import { escapePattern, normalize } from "./tokenizer.ts";

/** Vectors of each word, in the order of the files; of a word that two of them have, the last one's. */
export type TrainedWords = ReadonlyMap<string, readonly Float32Array[]>;

/** Throws where a vector is not of the encoder's width. */
export function trainedWords(embeddings: readonly Embedding[], config: ClipConfig): TrainedWords {
  const own = embeddings.filter(({ component }) => component === config.component);
  return new Map(
    own.map(({ token, shape: [count, width], values }) => {
      if (width !== config.width) {
        throw new FacetError(
          "shape-mismatch",
          `The trained word ${token} has vectors of ${width} numbers and this model's ${config.component} reads ${config.width}: the LoRA is for another model.`,
          { field: token },
        );
      }
      const vectors = Array.from({ length: count }, (_, index) =>
        values.subarray(index * width, (index + 1) * width),
      );
      return [token, vectors];
    }),
  );
}

/** Text and, in the place of trained words, their vectors. */
export type Part = string | readonly Position[];

/** Whole words only, in capitals or not: "sks" is not found in "masks". */
export function atTrainedWords(text: string, words: TrainedWords): Part[] {
  const byWord = new Map(Array.from(words, ([word, vectors]) => [normalize(word), vectors]));
  const patterns = [...words.keys()]
    .toSorted((left, right) => right.length - left.length)
    .map((word) => `${boundary("<!", word)}${escapePattern(word)}${boundary("!", word)}`);
  if (patterns.length === 0) return [text];
  return text
    .split(new RegExp(`(${patterns.join("|")})`, "iu"))
    .map((part, index) => (index % 2 === 1 ? (byWord.get(normalize(part)) ?? part) : part))
    .filter((part) => part.length > 0);
}

/** Where a word ends in a letter or number, none may be beside it. */
function boundary(side: "<!" | "!", word: string): string {
  const edge = side === "!" ? /[\p{L}\p{N}]$/u : /^[\p{L}\p{N}]/u;
  return edge.test(word) ? String.raw`(?${side}[\p{L}\p{N}])` : "";
}
