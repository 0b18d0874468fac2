/** Words beside a PNG's pixels: tEXt and iTXt chunks (W3C PNG, third edition, 11.3.3). */
import { assert } from "../../errors.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import { type Chunk, latin, readChunks, writeChunks } from "./chunks.ts";

/**
 * Texts by keyword, the first of each. Compressed ones (zTXt, and iTXt with that flag) are passed over: core has no
 * inflate, and neither Facet nor the tools whose pictures it reads write them.
 */
export function readPngText(bytes: Uint8Array, path?: string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const chunk of readChunks(bytes, path)) {
    const [keyword, text] = textOf(chunk) ?? [];
    if (keyword !== undefined && text !== undefined && !texts.has(keyword))
      texts.set(keyword, text);
  }
  return texts;
}

/**
 * The same picture with these texts before its pixels, in place of texts that have their keywords. Plain ASCII goes
 * into tEXt, which every reader takes (as Latin-1 or as UTF-8, ComfyUI's front end), the rest into iTXt.
 */
export function withPngText(bytes: Uint8Array, texts: ReadonlyMap<string, string>): Uint8Array {
  const kept = readChunks(bytes).filter((chunk) => {
    const keyword = keywordOf(chunk);
    return keyword === undefined || !texts.has(keyword);
  });
  const written = Array.from(texts, ([keyword, text]) => chunkOf(keyword, text));
  const pixels = kept.findIndex(({ type }) => type === "IDAT");
  assert(pixels >= 0, "a PNG without pixels");
  return writeChunks([...kept.slice(0, pixels), ...written, ...kept.slice(pixels)]);
}

const textTypes: ReadonlySet<string> = new Set(["tEXt", "iTXt", "zTXt"]);

function keywordOf({ type, data }: Chunk): string | undefined {
  if (!textTypes.has(type)) return undefined;
  const end = data.indexOf(0);
  return end < 0 ? undefined : latin(data.subarray(0, end));
}

function textOf(chunk: Chunk): readonly [string, string] | undefined {
  const { type, data } = chunk;
  const keyword = keywordOf(chunk);
  if (keyword === undefined) return undefined;
  const rest = data.subarray(keyword.length + 1);
  if (type === "tEXt") return [keyword, latin(rest)];
  // iTXt: compressed or not, by which method, language, keyword in that language, text.
  if (type !== "iTXt" || rest[0] !== 0) return undefined;
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return undefined;
  try {
    return [keyword, decodeUtf8(rest.subarray(translated + 1))];
  } catch {
    return undefined;
  }
}

function chunkOf(keyword: string, text: string): Chunk {
  assert(/^[!-~](?:[ -~]{0,77}[!-~])?$/.test(keyword), `"${keyword}" is no keyword of a PNG`);
  // A zero byte would end the text for readers; prompts have no use for it.
  const clean = text.replaceAll("\0", "");
  const start = encodeUtf8(`${keyword}\0`);
  return isAscii(clean)
    ? { type: "tEXt", data: joined(start, encodeUtf8(clean)) }
    : { type: "iTXt", data: joined(start, new Uint8Array(4), encodeUtf8(clean)) };
}

function isAscii(text: string): boolean {
  return Array.prototype.every.call(text, (letter: string) => letter < "\u{80}");
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** JSON in ASCII alone, as ComfyUI writes it: what is beyond it as \u escapes, half a pair at a time. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
