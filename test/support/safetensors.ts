/** A safetensors reader and writer of its own, from formats.md 1.10: nothing of Facet's formats is used. */
import { readFileSync, writeFileSync } from "node:fs";

export interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface TensorFileContent {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, Tensor>;
  /** Everything behind the header. */
  readonly data: Buffer;
  readonly headerBytes: number;
}

const widths: Record<string, number> = { F32: 4, F16: 2, BF16: 2, U8: 1 };

export function readTensorFile(path: string): TensorFileContent {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerBytes)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const data = file.subarray(8 + headerBytes);
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = new Map(
    Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const count = shape.reduce((product, size) => product * size, 1);
        if (to - from !== count * (widths[dtype] ?? NaN))
          throw new Error(`${name}: ${to - from} bytes for ${count} ${dtype}`);
        return [name, { dtype, shape, values: decode(dtype, data.subarray(from, to)) }] as const;
      },
    ),
  );
  return { metadata, tensors, data, headerBytes };
}

function decode(dtype: string, bytes: Buffer): Float32Array {
  const values = new Float32Array(bytes.length / (widths[dtype] ?? 1));
  for (let index = 0; index < values.length; index++) values[index] = element(dtype, bytes, index);
  return values;
}

function element(dtype: string, bytes: Buffer, index: number): number {
  switch (dtype) {
    case "U8":
      return bytes[index] ?? NaN;
    case "F32":
      return bytes.readFloatLE(4 * index);
    case "BF16": {
      // The upper half of a float32.
      const word = Buffer.alloc(4);
      word.writeUInt16LE(bytes.readUInt16LE(2 * index), 2);
      return word.readFloatLE(0);
    }
    case "F16": {
      const half = bytes.readUInt16LE(2 * index);
      const sign = half >> 15 === 0 ? 1 : -1;
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
      if (exponent === 0) return sign * fraction * 2 ** -24;
      return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    }
    default:
      throw new Error(`no ${dtype} in these tests`);
  }
}

/** float32 only; tensors in the order given. */
export function writeTensorFile(
  path: string,
  tensors: Readonly<Record<string, { shape: readonly number[]; values: ArrayLike<number> }>>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const bytes = Buffer.from(Float32Array.from(values).buffer);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  writeFileSync(path, Buffer.concat([length, padded, ...parts]));
}
