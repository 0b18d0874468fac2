/**
 * CLIP's tokenizer as transformers 5 has it (CLIPTokenizer over the tokenizers library): NFC, runs of white space to
 * one space, lower case, CLIP's and then GPT-2's splitting, byte pairs. No package does this exactly:
 * @huggingface/tokenizers 0.2 lower-cases by JavaScript's rule for a final sigma, which the reference has not.
 *
 * transformers 4, with which an older ComfyUI may run, differs in Chinese characters (a word each) and control
 * characters (left out), unless ftfy lies beside it.
 */
import { encodeUtf8 } from "../../formats/utf8.ts";
import { bytePairs, endToken, startToken } from "./byte-pairs.ts";

export interface Tokenizer {
  /** Tokens of a text, without start and end. */
  encode(text: string, added?: readonly AddedToken[]): number[];
}

/** A word that is one token wherever it stands, in the middle of other words too. */
export interface AddedToken {
  readonly content: string;
  readonly token: number;
  /** Whether it is looked for behind normalization (in lower case), or in the text as it was typed. */
  readonly normalized: boolean;
}

/** As ComfyUI's and SDXL's tokenizers are configured. */
const special: readonly AddedToken[] = [
  { content: "<|startoftext|>", token: startToken, normalized: true },
  { content: "<|endoftext|>", token: endToken, normalized: false },
];

/** White_Space of Unicode: JavaScript's `\s` lacks U+0085 and has U+FEFF. */
const space = String.raw`\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const spaces = new RegExp(`[${space}]+`, "gu");
const words = new RegExp(
  String.raw`<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^${space}\p{L}\p{N}]+`,
  "gu",
);

/** Words kept with their tokens: prompts repeat themselves. */
const remembered = 10_000;

/** `merges`: the text of resources/clip/merges.txt.br. */
export function clipTokenizer(merges: string): Tokenizer {
  const pairs = bytePairs(merges);
  const known = new Map<string, readonly number[]>();
  const encodeWord = (word: string): readonly number[] => {
    const found = known.get(word);
    if (found !== undefined) return found;
    const tokens = pairs.encodeWord(encodeUtf8(word));
    if (known.size >= remembered) known.clear();
    known.set(word, tokens);
    return tokens;
  };
  return {
    encode: (text, added = []) => {
      const all = [...special, ...added];
      const typed = splitter(all.filter(({ normalized }) => !normalized));
      const folded = splitter(
        all
          .filter(({ normalized }) => normalized)
          .map((entry) => ({ ...entry, content: normalize(entry.content) })),
      );
      return typed(text).flatMap((part) =>
        typeof part === "number"
          ? [part]
          : folded(normalize(part)).flatMap((inner) =>
              typeof inner === "number" ? [inner] : split(inner).flatMap(encodeWord),
            ),
      );
    },
  };
}

/** Lower case letter by letter: a language's own rules (a final sigma) stay out. */
export function normalize(text: string): string {
  return Array.from(text.normalize("NFC").replace(spaces, " "), (letter) =>
    letter.toLowerCase(),
  ).join("");
}

function split(text: string): string[] {
  return (text.match(words) ?? []).flatMap((word) =>
    // Typed in capitals it is no token, and GPT-2's splitting takes it apart.
    word === "<|endoftext|>" ? ["<|", "endoftext", "|>"] : [word],
  );
}

/** Cuts a text at added tokens, the longest of those that begin at a place. */
function splitter(added: readonly AddedToken[]): (text: string) => (string | number)[] {
  const tokens = new Map(added.map(({ content, token }) => [content, token]));
  const longest = [...tokens.keys()]
    .filter((content) => content !== "")
    .toSorted((left, right) => right.length - left.length)
    .map(escapePattern);
  const pattern = new RegExp(`(${longest.join("|")})`, "u");
  return (text) => text.split(pattern).map((part) => tokens.get(part) ?? part);
}

/** A text as a pattern that matches itself. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
}
