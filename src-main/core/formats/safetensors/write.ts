/** Writes safetensors as a stream of chunks: one tensor's values exist at a time, and equal input gives equal bytes. */
import { assert, FacetError } from "../../errors.ts";
import { fromFloat32, isFloatDType } from "../../tensor/convert.ts";
import { byteSize, elementCount, type DType } from "../../tensor/dtype.ts";
import { safetensorsLimits as limits } from "../limits.ts";
import { encodeUtf8 } from "../utf8.ts";
import { prefixBytes } from "./read.ts";

/** A tensor to write; its values are asked for once, when its turn comes. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major: float32 (converted to F32, F16 or BF16) or the stored little-endian bytes of any type. */
  values(): Float32Array | Uint8Array;
}

export interface EncodedFile {
  /** Length of the whole file. */
  readonly bytes: number;
  /** Each walk over it makes the values anew. */
  readonly chunks: Iterable<Uint8Array>;
}

/**
 * Order of the data: widest type first, so that every tensor lies aligned behind a header padded to 8 bytes. Types of
 * one width keep the order of the reference serializer's enumeration, for files that are equal to its own.
 */
const dtypeOrder: readonly DType[] = [
  "U64",
  "I64",
  "F64",
  "F32",
  "U32",
  "I32",
  "BF16",
  "F16",
  "U16",
  "I16",
  "F8_E4M3",
  "F8_E5M2",
  "I8",
  "U8",
  "BOOL",
];

/** Throws for values beyond their type (`overflow`) while the chunks are walked. Metadata keys are sorted. */
export function encodeSafetensors(
  tensors: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>>,
): EncodedFile {
  const ordered = [...tensors].sort(
    (left, right) =>
      dtypeOrder.indexOf(left.dtype) - dtypeOrder.indexOf(right.dtype) ||
      compareNames(left.name, right.name),
  );
  const { header, dataBytes } = encodeHeader(ordered, metadata);
  return {
    bytes: header.byteLength + dataBytes,
    chunks: {
      *[Symbol.iterator]() {
        yield header;
        for (const tensor of ordered) yield tensorBytes(tensor);
      },
    },
  };
}

/** By code units, the same on every machine; no locale. */
function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function encodeHeader(
  ordered: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>>,
): { header: Uint8Array; dataBytes: number } {
  const fields: string[] = [];
  const keys = Object.keys(metadata).sort(compareNames);
  if (keys.length > 0) {
    // Half a surrogate pair (a text cut inside an emoji) would make the reference reader refuse the whole file.
    const text = (value: string): string => JSON.stringify(value.toWellFormed());
    const pairs = keys.map((key) => `${text(key)}:${text(metadata[key] ?? "")}`);
    fields.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  const names = new Set<string>(["__metadata__"]);
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    assert(!names.has(name), `two tensors named "${name}"`);
    names.add(name);
    const start = end;
    end += elementCount(shape) * byteSize(dtype);
    assert(Number.isSafeInteger(end), `size of tensor "${name}": [${shape.join(", ")}]`);
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${start},${end}]}`,
    );
  }
  const json = encodeUtf8(`{${fields.join(",")}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > limits.headerBytes || ordered.length > limits.tensors) {
    throw new FacetError(
      "too-large",
      `A safetensors file with ${ordered.length} tensors and ${length} bytes of header (${keys.length} metadata ` +
        `entries) would be refused by its readers: the limits are ${limits.tensors} and ${limits.headerBytes}.`,
      { field: "header" },
    );
  }
  const header = new Uint8Array(prefixBytes + length).fill(0x20);
  const view = new DataView(header.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, 0, true);
  header.set(json, prefixBytes);
  return { header, dataBytes: end };
}

function tensorBytes(tensor: PlannedTensor): Uint8Array {
  const { name, dtype, shape } = tensor;
  const values = tensor.values();
  const count = elementCount(shape);
  if (values instanceof Uint8Array) {
    const wanted = count * byteSize(dtype);
    assert(
      values.byteLength === wanted,
      `"${name}": ${values.byteLength} bytes, planned ${wanted}`,
    );
    return values;
  }
  assert(isFloatDType(dtype), `"${name}": float32 values for ${dtype}`);
  assert(values.length === count, `"${name}": ${values.length} values, planned ${count}`);
  return fromFloat32(values, dtype, name);
}
