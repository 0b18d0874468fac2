/** Stored bytes of any element type to float32 numbers, and float32 numbers to the bytes of the three types we write. */
import { FacetError, missingCase } from "../errors.ts";
import { byteSize, type DType } from "./dtype.ts";
import {
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  float8Patterns,
} from "./halves.ts";

/** The types that Facet writes. */
export type FloatDType = "F32" | "F16" | "BF16";

export function isFloatDType(dtype: DType): dtype is FloatDType {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

const largest = { F16: "65504", BF16: "3.39e38" } as const;
const wider = { F16: "bf16 or f32", BF16: "f32" } as const;

/**
 * Little-endian bytes as float32, rounded to nearest where the type is wider. The result may share the memory
 * of `bytes` (F32 that lies aligned), so give it bytes that nobody else holds.
 */
export function toFloat32(bytes: Uint8Array, dtype: DType): Float32Array {
  const size = byteSize(dtype);
  const count = bytes.byteLength / size;
  // Typed arrays want an offset that is a multiple of the element: copy where the file's layout gave another. Not by
  // `slice`, which in Node's Buffer is a view.
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, byteOffset, count);
    case "F16": {
      const values = new Float32Array(count);
      decodeFloat16(new Uint16Array(buffer, byteOffset, count), values);
      return values;
    }
    case "BF16": {
      const values = new Float32Array(count);
      decodeBfloat16(new Uint16Array(buffer, byteOffset, count), values);
      return values;
    }
    case "F8_E4M3":
    case "F8_E5M2": {
      const values = new Float32Array(count);
      decodeFloat16(float8Patterns(bytes, dtype), values);
      return values;
    }
    case "F64":
      return new Float32Array(new Float64Array(buffer, byteOffset, count));
    case "I64":
      return wideIntegers(new Int32Array(buffer, byteOffset, count * 2));
    case "U64":
      return wideIntegers(new Uint32Array(buffer, byteOffset, count * 2));
    case "I32":
      return new Float32Array(new Int32Array(buffer, byteOffset, count));
    case "U32":
      return new Float32Array(new Uint32Array(buffer, byteOffset, count));
    case "I16":
      return new Float32Array(new Int16Array(buffer, byteOffset, count));
    case "U16":
      return new Float32Array(new Uint16Array(buffer, byteOffset, count));
    case "I8":
      return new Float32Array(new Int8Array(buffer, byteOffset, count));
    case "U8":
      return new Float32Array(new Uint8Array(buffer, byteOffset, count));
    case "BOOL": {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = bytes[i] === 0 ? 0 : 1;
      return values;
    }
    default:
      return missingCase(dtype);
  }
}

/** 64-bit integers from their halves, low word first; the signedness of the upper word is that of `words`. */
function wideIntegers(words: Int32Array | Uint32Array): Float32Array {
  const values = new Float32Array(words.length / 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = (words[2 * i + 1] as number) * 2 ** 32 + ((words[2 * i] as number) >>> 0);
  }
  return values;
}

/**
 * Bytes to write, rounded to nearest, ties to even. F32 shares the memory of `values`. A finite value that is
 * too large for the type throws `overflow`; NaN and infinity are kept as they are.
 */
export function fromFloat32(values: Float32Array, dtype: FloatDType, tensor: string): Uint8Array {
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint16Array(values.length);
  const overflow = dtype === "F16" ? encodeFloat16(values, bits) : encodeBfloat16(values, bits);
  if (overflow >= 0) {
    const value = values[overflow] as number;
    throw new FacetError(
      "overflow",
      `Tensor "${tensor}" holds ${value} at index ${overflow} of ${values.length}, beyond ±${largest[dtype]}, ` +
        `the largest number of ${dtype.toLowerCase()}: write it as ${wider[dtype]} instead.`,
      { field: tensor },
    );
  }
  return new Uint8Array(bits.buffer);
}
