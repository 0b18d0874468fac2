/** The chunks of a PNG file (W3C PNG, third edition, section 5), pixels untouched. */
import { FacetError } from "../../errors.ts";
import { crc32 } from "./crc.ts";

export interface Chunk {
  /** Four letters. */
  readonly type: string;
  readonly data: Uint8Array;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length, type and checksum. */
const around = 12;

function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, at) => bytes[at] === byte);
}

/** All chunks up to IEND; what follows it is none of them. Throws `malformed` and `truncated`. */
export function readChunks(bytes: Uint8Array, path?: string): Chunk[] {
  if (!isPng(bytes)) throw new FacetError("malformed", "This is no PNG file.", { path });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = signature.length; ;) {
    if (at + around > bytes.length) throw cutShort(bytes, at, path);
    const length = view.getUint32(at);
    const type = latin(bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) {
      const message = `The PNG chunk at byte ${at} has no name of four letters.`;
      throw new FacetError("malformed", message, { path, field: "chunk" });
    }
    const end = at + around + length;
    if (end > bytes.length) throw cutShort(bytes, at, path, type);
    const checked = bytes.subarray(at + 4, end - 4);
    if (crc32(checked) !== view.getUint32(end - 4)) {
      const message = `The PNG chunk ${type} at byte ${at} does not have the checksum that it states: the file is damaged.`;
      throw new FacetError("malformed", message, { path, field: type });
    }
    chunks.push({ type, data: checked.subarray(4) });
    if (type === "IEND") return chunks;
    at = end;
  }
}

export function writeChunks(chunks: readonly Chunk[]): Uint8Array {
  const length = chunks.reduce((sum, { data }) => sum + around + data.length, signature.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(signature);
  let at = signature.length;
  for (const { type, data } of chunks) {
    view.setUint32(at, data.length);
    for (let letter = 0; letter < 4; letter++) bytes[at + 4 + letter] = type.charCodeAt(letter);
    bytes.set(data, at + 8);
    const end = at + 8 + data.length;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** One character for each byte. */
export function latin(bytes: Uint8Array): string {
  let text = "";
  // In parts: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

function cutShort(bytes: Uint8Array, at: number, path?: string, type = "chunk"): FacetError {
  return new FacetError(
    "truncated",
    `The PNG file ends at byte ${bytes.length}, within the ${type} that begins at byte ${at}.`,
    { path, field: type },
  );
}
