/** The identity of a LoRA's numbers, whatever file, dialect or precision header they came in. */
import { encodeUtf8 } from "../formats/utf8.ts";
import type { Lora } from "./lora.ts";
import { columns as columnsOf } from "./lora.ts";

export interface Hash {
  update(bytes: Uint8Array): void;
  digest(): string;
}

/**
 * What is hashed, in this order: a line on the family, then for each module a line with path, out, columns and rank,
 * and the float32 bytes (little-endian) of down and up, with DoRA a line on the magnitude's axis and its bytes; then for
 * each embedding a line and its bytes.
 */
export function* canonicalChunks(lora: Lora): Generator<Uint8Array> {
  yield encodeUtf8(`facet-lora 1 ${lora.family}\n`);
  for (const module of lora.modules) {
    const { path, out, rank, down, up, magnitude } = module;
    yield encodeUtf8(`${path} ${String(out)} ${String(columnsOf(module))} ${String(rank)}\n`);
    yield littleEndian(down);
    yield littleEndian(up);
    if (magnitude !== undefined) {
      yield encodeUtf8(`magnitude ${magnitude.axis}\n`);
      yield littleEndian(magnitude.values);
    }
  }
  for (const { component, token, shape, values } of lora.embeddings) {
    yield encodeUtf8(`${component} ${JSON.stringify(token)} ${shape.join(" ")}\n`);
    yield littleEndian(values);
  }
}

/** The digest over the canonical chunks, by a hash that the caller brings (SHA-256 in the library). */
export function fingerprint(lora: Lora, hash: Hash): string {
  for (const chunk of canonicalChunks(lora)) hash.update(chunk);
  return hash.digest();
}

const machineIsLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function littleEndian(values: Float32Array): Uint8Array {
  if (machineIsLittleEndian) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const view = new DataView(new ArrayBuffer(values.byteLength));
  values.forEach((value, index) => view.setFloat32(index * 4, value, true));
  return new Uint8Array(view.buffer);
}
