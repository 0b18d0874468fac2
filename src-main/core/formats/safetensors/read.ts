/** Opens a safetensors file: the header at once, each tensor by its byte range when it is asked for. */
import { assert, FacetError } from "../../errors.ts";
import { toFloat32 } from "../../tensor/convert.ts";
import { safetensorsLimits as limits } from "../limits.ts";
import { entryOf, type ByteSource, type TensorFile } from "../source.ts";
import { parseHeader, type StoredTensor } from "./header.ts";

/** Bytes before the header: its length, an unsigned 64-bit little-endian integer. */
export const prefixBytes = 8;

export interface SafetensorsFile extends TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Length of the JSON text. */
  readonly headerBytes: number;
  /** Where the tensors' bytes begin in the file: a tensor lies at `dataOffset + start`. */
  readonly dataOffset: number;
  /** Bytes of one tensor as stored, or `length` of them from `from`; the caller's own. */
  readBytes(name: string, from?: number, length?: number): Uint8Array;
}

export function readSafetensors(source: ByteSource): SafetensorsFile {
  const headerBytes = headerLength(source);
  const dataOffset = prefixBytes + headerBytes;
  const header = source.read(prefixBytes, headerBytes);
  const { tensors, metadata } = parseHeader(header, source.size - dataOffset, source.name);

  function readBytes(name: string, from = 0, length?: number): Uint8Array {
    const { start, end } = entryOf(tensors, name, source.name);
    const wanted = length ?? end - start - from;
    assert(from >= 0 && wanted >= 0 && start + from + wanted <= end, `range of "${name}"`);
    return source.read(dataOffset + start + from, wanted);
  }

  return {
    name: source.name,
    tensors,
    metadata,
    headerBytes,
    dataOffset,
    readBytes,
    readFloat32: (name) => toFloat32(readBytes(name), entryOf(tensors, name, source.name).dtype),
  };
}

function headerLength(source: ByteSource): number {
  const { name: path, size } = source;
  if (size < prefixBytes + 2) {
    const what = size === 0 ? "is empty" : `has only ${size} bytes`;
    throw new FacetError("truncated", `"${path}" ${what}: too short for a safetensors file.`, {
      path,
    });
  }
  const start = source.read(0, prefixBytes + 1);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  // Exact up to 2^53, and any larger number is refused by what follows.
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (start[prefixBytes] !== 0x7b) {
    throw new FacetError(
      "malformed",
      `"${path}" is not a safetensors file: byte 8 should be the { of its header.`,
      { path, field: "header" },
    );
  }
  if (length > size - prefixBytes) {
    throw new FacetError(
      "truncated",
      `"${path}" should have a header of ${length} bytes, but only ${size - prefixBytes} follow: ` +
        "the file is cut short or no safetensors file. Copy or download it again.",
      { path, field: "header" },
    );
  }
  if (length > limits.headerBytes) {
    throw new FacetError(
      "too-large",
      `"${path}" has a header of ${length} bytes, more than the ${limits.headerBytes} allowed.`,
      { path, field: "header" },
    );
  }
  return length;
}
