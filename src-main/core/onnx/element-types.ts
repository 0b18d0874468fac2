/** Element types as ONNX numbers them, and constants as their bytes. */
import { TensorProto_DataType } from "onnx-buf";
import { assert, missingCase } from "../errors.ts";
import type { ConstantValues, GraphDType } from "../graph/operators.ts";
import { encodeBfloat16, encodeFloat16 } from "../tensor/halves.ts";

export const elementTypes: { readonly [D in GraphDType]: TensorProto_DataType } = {
  F32: TensorProto_DataType.FLOAT,
  F16: TensorProto_DataType.FLOAT16,
  BF16: TensorProto_DataType.BFLOAT16,
  I32: TensorProto_DataType.INT32,
  I64: TensorProto_DataType.INT64,
  BOOL: TensorProto_DataType.BOOL,
};

/** Bytes of the values, little-endian; one number is one element. */
export function bytesOf(values: ConstantValues, dtype: GraphDType): Uint8Array {
  const list = typeof values === "number" ? Float64Array.of(values) : values;
  const each: Iterable<number | bigint> = list;
  switch (dtype) {
    case "F32":
      return bytes(list instanceof Float32Array ? list : Float32Array.from(list, Number));
    case "F16":
    case "BF16": {
      const wide = list instanceof Float32Array ? list : Float32Array.from(list, Number);
      const halves = new Uint16Array(wide.length);
      if (dtype === "F16") encodeFloat16(wide, halves);
      else encodeBfloat16(wide, halves);
      return bytes(halves);
    }
    case "I32":
      return bytes(list instanceof Int32Array ? list : Int32Array.from(list, Number));
    case "I64":
      return bytes(list instanceof BigInt64Array ? list : BigInt64Array.from(wholeNumbers(list)));
    case "BOOL":
      return Uint8Array.from(Array.from(each, (value) => (Number(value) === 0 ? 0 : 1)));
    default:
      return missingCase(dtype);
  }
}

function wholeNumbers(list: Iterable<number>): bigint[] {
  return Array.from(list, (value) => {
    assert(Number.isInteger(value), `${value} as I64`);
    return BigInt(value);
  });
}

function bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
