/** Writes tensors of any stored type, bytes given, as safetensors: also such as Facet itself never writes. */
import { writeFileSync } from "node:fs";

export interface StoredBytes {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface StoredOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** The header has an odd length, so that every tensor lies at an odd byte. */
  readonly unaligned?: boolean;
}

export function writeStored(
  path: string,
  tensors: ReadonlyMap<string, StoredBytes>,
  { metadata, unaligned = false }: StoredOptions = {},
): void {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padding = ((8 - (json.length % 8)) % 8) + (unaligned ? 1 : 0);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(padding, " "), ...parts]));
}
