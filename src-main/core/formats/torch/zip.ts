/**
 * The directory of a ZIP archive as torch.save writes it: entries stored without compression, by byte range.
 *
 * A parser of our own because an archive may hold gigabytes of which a few kilobytes are wanted; fflate and its like
 * take the whole file in memory. Nothing is inflated: torch never compresses, and so no archive can grow in memory.
 * Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14-16 (ends), 4.5.3 (ZIP64).
 */
import { FacetError, type ErrorCode } from "../../errors.ts";
import { torchLimits as limits } from "../limits.ts";
import type { ByteSource } from "../source.ts";
import { decodeUtf8 } from "../utf8.ts";

const localHeader = { signature: 0x04034b50, bytes: 30 };
const directoryEntry = { signature: 0x02014b50, bytes: 46 };
const endRecord = { signature: 0x06054b50, bytes: 22 };
const endRecord64 = { signature: 0x06064b50, bytes: 56 };
const endLocator64 = { signature: 0x07064b50, bytes: 20 };
const longestComment = 0xffff;
/** A field of that value stands in the ZIP64 extra field instead. */
const moved16 = 0xffff;
const moved32 = 0xffffffff;
const zip64Extra = 1;
const encryptedFlag = 1;

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Why its bytes are not to be had, where they are not: archives of other kinds are recognised by their names. */
  readonly packed: string | undefined;
}

export interface Zip {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /**
   * Where an entry's bytes begin in the file. Reads its local header, whose length the directory does not say.
   * Refuses what is compressed.
   */
  dataOffset(entry: ZipEntry): number;
}

interface PlacedEntry extends ZipEntry {
  /** Bytes in the archive. */
  readonly stored: number;
  /** Of the local header. */
  readonly offset: number;
  /** Where the next entry, or the directory, begins: the data must end by then. */
  limit: number;
}

export function openZip(source: ByteSource): Zip {
  const directory = findDirectory(source);
  const entries = new Map<string, PlacedEntry>();
  for (const entry of readDirectory(source, directory)) {
    if (entries.has(entry.name))
      refuse(source, `two entries are named "${entry.name}"`, entry.name);
    entries.set(entry.name, entry);
  }
  setLimits([...entries.values()], directory.offset, source);
  const offsets = new Map<string, number>();
  return {
    entries,
    dataOffset({ name }) {
      const known = offsets.get(name);
      if (known !== undefined) return known;
      const entry = entries.get(name);
      if (!entry) refuse(source, `it has no entry "${name}"`, name);
      const offset = dataOffset(source, entry);
      offsets.set(name, offset);
      return offset;
    },
  };
}

function refuse(
  source: ByteSource,
  what: string,
  field?: string,
  code: ErrorCode = "malformed",
): never {
  throw new FacetError(
    code,
    `"${source.name}" is a torch file whose ZIP archive cannot be used: ${what}.`,
    {
      path: source.name,
      field,
    },
  );
}

function view(source: ByteSource, offset: number, length: number): DataView {
  const bytes = source.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

interface Directory {
  readonly offset: number;
  readonly bytes: number;
  readonly entries: number;
}

function findDirectory(source: ByteSource): Directory {
  const tailBytes = Math.min(source.size, endRecord.bytes + longestComment);
  const tailOffset = source.size - tailBytes;
  const tail = view(source, tailOffset, tailBytes);
  let at = tailBytes - endRecord.bytes;
  // The comment may contain the signature by chance: its length must lead exactly to the end of the file.
  while (
    at >= 0 &&
    !(
      tail.getUint32(at, true) === endRecord.signature &&
      at + endRecord.bytes + tail.getUint16(at + 20, true) === tailBytes
    )
  ) {
    at--;
  }
  if (at < 0) {
    throw new FacetError(
      "truncated",
      `"${source.name}" begins like a torch file, but the directory at its end is missing: the file is cut short. ` +
        "Copy or download it again.",
      { path: source.name },
    );
  }
  const end = tailOffset + at;
  let directory: Directory = {
    entries: tail.getUint16(at + 10, true),
    bytes: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  const { entries, bytes, offset } = directory;
  if (entries === moved16 || bytes === moved32 || offset === moved32)
    directory = findDirectory64(source, end);
  if (directory.offset + directory.bytes > end) {
    refuse(
      source,
      `its directory (bytes ${directory.offset} + ${directory.bytes}) runs past its end at ${end}`,
    );
  }
  if (directory.entries > limits.entries || directory.bytes > limits.directoryBytes) {
    refuse(
      source,
      `it lists ${directory.entries} entries in ${directory.bytes} bytes, more than the ${limits.entries} in ` +
        `${limits.directoryBytes} allowed`,
      undefined,
      "too-large",
    );
  }
  return directory;
}

function findDirectory64(source: ByteSource, end: number): Directory {
  const locatorOffset = end - endLocator64.bytes;
  if (locatorOffset < 0) refuse(source, "its ZIP64 end is missing");
  const locator = view(source, locatorOffset, endLocator64.bytes);
  const offset = safeUint64(locator, 8, source);
  if (
    locator.getUint32(0, true) !== endLocator64.signature ||
    offset + endRecord64.bytes > locatorOffset
  ) {
    refuse(source, "its ZIP64 end is missing");
  }
  const record = view(source, offset, endRecord64.bytes);
  if (record.getUint32(0, true) !== endRecord64.signature)
    refuse(source, "its ZIP64 end is missing");
  return {
    entries: safeUint64(record, 32, source),
    bytes: safeUint64(record, 40, source),
    offset: safeUint64(record, 48, source),
  };
}

function safeUint64(from: DataView, at: number, source: ByteSource): number {
  const value = from.getUint32(at + 4, true) * 2 ** 32 + from.getUint32(at, true);
  if (!Number.isSafeInteger(value)) refuse(source, "it holds a size or place beyond 2^53");
  return value;
}

function* readDirectory(source: ByteSource, directory: Directory): Generator<PlacedEntry> {
  const records = view(source, directory.offset, directory.bytes);
  let at = 0;
  for (let index = 0; index < directory.entries; index++) {
    if (
      at + directoryEntry.bytes > directory.bytes ||
      records.getUint32(at, true) !== directoryEntry.signature
    ) {
      refuse(source, `entry ${index} of ${directory.entries} in its directory is damaged`);
    }
    const nameBytes = records.getUint16(at + 28, true);
    const extraBytes = records.getUint16(at + 30, true);
    const nameAt = at + directoryEntry.bytes;
    const extraAt = nameAt + nameBytes;
    const next = extraAt + extraBytes + records.getUint16(at + 32, true);
    if (next > directory.bytes) refuse(source, `entry ${index} of its directory is cut off`);
    const name = entryName(records, nameAt, nameBytes, source);
    const compression = records.getUint16(at + 10, true);
    const encrypted = (records.getUint16(at + 8, true) & encryptedFlag) !== 0;
    const packed = encrypted
      ? "encrypted"
      : compression === 0
        ? undefined
        : `compressed (method ${compression})`;
    const { stored, size, offset } = sizes(records, at, extraAt, extraBytes, source);
    if (packed === undefined && stored !== size) {
      refuse(source, `its entry "${name}" stores ${stored} bytes but claims ${size}`, name);
    }
    yield { name, size, packed, stored, offset, limit: directory.offset };
    at = next;
  }
  if (at !== directory.bytes)
    refuse(source, `${directory.bytes - at} bytes follow in its directory`);
}

function entryName(records: DataView, at: number, length: number, source: ByteSource): string {
  if (length > limits.nameLength) {
    refuse(
      source,
      `an entry's name has ${length} bytes, more than ${limits.nameLength}`,
      undefined,
      "too-large",
    );
  }
  try {
    return decodeUtf8(new Uint8Array(records.buffer, records.byteOffset + at, length));
  } catch {
    return refuse(source, "the name of an entry is not UTF-8");
  }
}

function sizes(
  records: DataView,
  at: number,
  extraAt: number,
  extraBytes: number,
  source: ByteSource,
): { stored: number; size: number; offset: number } {
  let stored = records.getUint32(at + 20, true);
  let size = records.getUint32(at + 24, true);
  let offset = records.getUint32(at + 42, true);
  if (stored !== moved32 && size !== moved32 && offset !== moved32) return { stored, size, offset };
  const end = extraAt + extraBytes;
  for (let field = extraAt; field + 4 <= end; field += 4 + records.getUint16(field + 2, true)) {
    if (records.getUint16(field, true) !== zip64Extra) continue;
    const fieldEnd = Math.min(end, field + 4 + records.getUint16(field + 2, true));
    let from = field + 4;
    // In this order, and only those whose short form says so (4.5.3).
    const take = (): number => {
      if (from + 8 > fieldEnd) refuse(source, "the ZIP64 sizes of an entry are cut off");
      from += 8;
      return safeUint64(records, from - 8, source);
    };
    if (size === moved32) size = take();
    if (stored === moved32) stored = take();
    if (offset === moved32) offset = take();
    return { stored, size, offset };
  }
  return refuse(source, "the ZIP64 sizes of an entry are missing");
}

/** No two entries may share bytes (the trick of zip bombs), and all must lie before the directory. */
function setLimits(entries: PlacedEntry[], directoryOffset: number, source: ByteSource): void {
  entries.sort((left, right) => right.offset - left.offset);
  let limit = directoryOffset;
  for (const entry of entries) {
    entry.limit = limit;
    // The name stands in the local header as well; its extra field is only known when the entry is read.
    if (entry.offset + localHeader.bytes + entry.name.length + entry.stored > limit) {
      refuse(
        source,
        `its entry "${entry.name}" of ${entry.stored} bytes at ${entry.offset} runs into what begins at ${limit}`,
        entry.name,
      );
    }
    limit = entry.offset;
  }
}

function dataOffset(source: ByteSource, entry: PlacedEntry): number {
  if (entry.packed !== undefined) {
    refuse(
      source,
      `its entry "${entry.name}" is ${entry.packed}, which torch.save never does; load it with torch and save it again`,
      entry.name,
      "unsupported",
    );
  }
  const header = view(source, entry.offset, localHeader.bytes);
  if (header.getUint32(0, true) !== localHeader.signature) {
    refuse(
      source,
      `the header of its entry "${entry.name}" at byte ${entry.offset} is damaged`,
      entry.name,
    );
  }
  // Torch pads the extra field so that the data lies at a multiple of 64 bytes.
  const start =
    entry.offset + localHeader.bytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + entry.size > entry.limit) {
    refuse(
      source,
      `its entry "${entry.name}" of ${entry.size} bytes at ${start} runs into what begins at ${entry.limit}`,
      entry.name,
    );
  }
  return start;
}
