/** Writes one LoRA file: hashes of the data first (they stand in the header), then the file, whole or not at all. */
import { createHash } from "node:crypto";
import { assert } from "../core/errors.ts";
import { openTensorFile } from "../core/formats/open.ts";
import type { SafetensorsFile } from "../core/formats/safetensors/read.ts";
import type { PlannedTensor } from "../core/formats/safetensors/write.ts";
import { encodeSafetensors } from "../core/formats/safetensors/write.ts";
import type { TensorFile } from "../core/formats/source.ts";
import type { Lora } from "../core/lora/lora.ts";
import {
  fitHeader,
  type Hashes,
  hashedPart,
  type Metadata,
  metadataFor,
  withHashes,
  type Written,
} from "../core/lora/metadata.ts";
import { relabelLora } from "../core/lora/relabel.ts";
import { planLora, writtenAlpha } from "../core/lora/write.ts";
import { writeAtomically } from "../files/atomic-write.ts";
import { type OpenedSource, openFileSource } from "../files/source.ts";
import type { ExportDialect, ExportDtype } from "../../src-preload/contract/exports.ts";

export interface LoraFile {
  readonly to: string;
  readonly dialect: ExportDialect;
  readonly dtype: ExportDtype;
  /** What `describeIdentity` made; the writer adds ranks, alphas and hashes. */
  readonly metadata: Readonly<Metadata>;
  readonly overwrite: boolean;
}

export interface WrittenFile {
  readonly bytes: number;
  readonly sha256: string;
  readonly modules: number;
}

const stored = { f16: "F16", bf16: "BF16", f32: "F32" } as const;

const pieceBytes = 1 << 20;
/** What a thread keeps at most; larger files are rare and may have memory of their own. */
const sharedBytes = 256 << 20;

/** Window of the older hash, in bytes of the whole file (formats.md 3.2). */
const legacyStart = 0x10_0000;
const legacyLength = 0x1_0000;

export function writeLoraFile({ lora, ...file }: LoraFile & { readonly lora: Lora }): WrittenFile {
  const alphaOf = writtenAlpha(lora, file.dialect);
  const modules = lora.modules.map((module) => {
    const { path, rank, kernel } = module;
    return { path, rank, alpha: alphaOf(module), kernel };
  });
  const tensors = planLora(lora, file.dialect, stored[file.dtype]);
  return writePlanned(tensors, { family: lora.family, dialect: file.dialect, modules }, file);
}

/**
 * Writes a file's LoRA under other names where that is all there is to do; null where its matrices must be computed.
 * Throws what reading it would throw.
 */
export function copyLoraFile(
  { path, dataSha256 }: { readonly path: string; readonly dataSha256?: string | undefined },
  file: LoraFile,
): WrittenFile | null {
  using source = openFileSource(path);
  const opened = openTensorFile(source);
  if (!isSafetensors(opened)) return null;
  // In one read: a LoRA is thousands of small tensors.
  const data = readShared(source, opened.dataOffset);
  const relabelled = relabelLora(opened, data, file.dialect, stored[file.dtype]);
  const known = dataSha256 === undefined ? null : { data, sha256: dataSha256 };
  return relabelled && writePlanned(relabelled.tensors, relabelled.written, file, known);
}

/** A copy is done before the next begins, so they share memory: pages fresh from the system cost more than reading. */
let shared = Buffer.alloc(0);

function readShared(source: OpenedSource, offset: number): Uint8Array {
  const bytes = source.size - offset;
  if (bytes > sharedBytes) return source.read(offset, bytes);
  if (shared.length < bytes) shared = Buffer.allocUnsafeSlow(bytes);
  const data = shared.subarray(0, bytes);
  source.readInto(data, offset);
  return data;
}

function isSafetensors(file: TensorFile): file is SafetensorsFile {
  return "dataOffset" in file;
}

function writePlanned(
  tensors: readonly PlannedTensor[],
  written: Written,
  { to, metadata, overwrite }: Pick<LoraFile, "to" | "metadata" | "overwrite">,
  known: KnownHash | null = null,
): WrittenFile {
  const whole = metadataFor(metadata, written);
  const { data, hashes } = hashData(tensors, hashedPart(whole), known);
  const header = fitHeader(
    withHashes(whole, hashes),
    (metadata) => split(tensors, metadata).header,
  );
  const { bytes, sha256 } = writeAtomically(to, concatenated(header, data), { overwrite });
  return { bytes, sha256, modules: written.modules.length };
}

/** A data section whose hash was computed when the file came into the library. */
interface KnownHash {
  readonly data: Uint8Array;
  readonly sha256: string;
}

/** The data section, kept, with its hashes as if the file held nothing but the metadata given. */
function hashData(
  tensors: readonly PlannedTensor[],
  metadata: Metadata,
  known: KnownHash | null,
): { data: readonly Uint8Array[]; hashes: Hashes } {
  const { header, rest } = split(tensors, metadata);
  const window = createHash("sha256");
  const data: Uint8Array[] = [];
  let position = header.length;
  if (position > legacyStart)
    window.update(header.subarray(legacyStart, legacyStart + legacyLength));
  for (const chunk of rest) {
    const from = Math.max(0, legacyStart - position);
    const to = Math.min(chunk.length, legacyStart + legacyLength - position);
    if (from < to) window.update(chunk.subarray(from, to));
    position += chunk.length;
    append(data, chunk);
  }
  const sha256 = known !== null && isSame(data, known.data) ? known.sha256 : hashOf(data);
  return { data, hashes: { data: sha256, legacy: window.digest("hex").slice(0, 8) } };
}

/** Whether the tensors to write are the very memory that was read, in the order in which it was read. */
function isSame(chunks: readonly Uint8Array[], data: Uint8Array): boolean {
  const [only, ...others] = chunks;
  return (
    others.length === 0 &&
    only?.buffer === data.buffer &&
    only.byteOffset === data.byteOffset &&
    only.byteLength === data.byteLength
  );
}

function hashOf(chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Adds a chunk; one that lies right behind the last in the same memory becomes part of it. */
function append(chunks: Uint8Array[], chunk: Uint8Array): void {
  const last = chunks.at(-1);
  if (last?.buffer === chunk.buffer && last.byteOffset + last.byteLength === chunk.byteOffset) {
    chunks[chunks.length - 1] = new Uint8Array(
      chunk.buffer,
      last.byteOffset,
      last.byteLength + chunk.byteLength,
    );
  } else {
    chunks.push(chunk);
  }
}

/** The encoder's stream: its first chunk is the header, and values are only made as `rest` is read. */
function split(
  tensors: readonly PlannedTensor[],
  metadata: Metadata,
): { header: Uint8Array; rest: Iterable<Uint8Array> } {
  const chunks = encodeSafetensors(tensors, metadata).chunks[Symbol.iterator]();
  const first = chunks.next();
  assert(first.done !== true, "a file has a header");
  return { header: first.value, rest: { [Symbol.iterator]: () => chunks } };
}

/** In pieces that stay in the processor's cache between hashing and writing. */
function* concatenated(header: Uint8Array, data: readonly Uint8Array[]): Iterable<Uint8Array> {
  yield header;
  for (const chunk of data) {
    for (let from = 0; from < chunk.length; from += pieceBytes) {
      yield chunk.subarray(from, from + pieceBytes);
    }
  }
}
