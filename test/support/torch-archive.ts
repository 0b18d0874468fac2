/** Torch files built by hand, right or wrong: pickles from instructions, archives from entries. */

export type Instruction = number | Uint8Array | string;

/** Numbers are bytes, texts their UTF-8. */
export function pickle(...instructions: Instruction[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      instructions.map((part) =>
        typeof part === "number" ? Uint8Array.of(part) : Buffer.from(part),
      ),
    ),
  );
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export const p = {
  protocol: Uint8Array.of(0x80, 2),
  stop: ".",
  mark: "(",
  dictionary: "}",
  list: "]",
  tuple: "t",
  emptyTuple: ")",
  reduce: "R",
  build: "b",
  setItems: "u",
  setItem: "s",
  append: "a",
  no: 0x89,
  text: (value: string) => pickle("X", word(Buffer.byteLength(value)), value),
  integer: (value: number) => pickle("J", word(value)),
  global: (module: string, name: string) => `c${module}\n${name}\n`,
  put: (index: number) => pickle("r", word(index)),
  get: (index: number) => pickle("j", word(index)),
  tupleOf: (...items: Instruction[]) => pickle("(", ...items, "t"),
  storage: (type: string, key: string, length: number) =>
    pickle(
      p.tupleOf(
        p.text("storage"),
        p.global("torch", type),
        p.text(key),
        p.text("cpu"),
        p.integer(length),
      ),
      "Q",
    ),
  /** As torch writes `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())`. */
  tensor: (storage: Uint8Array, offset: number, size: number[], stride: number[]) =>
    pickle(
      p.global("torch._utils", "_rebuild_tensor_v2"),
      p.tupleOf(
        storage,
        p.integer(offset),
        p.tupleOf(...size.map(p.integer)),
        p.tupleOf(...stride.map(p.integer)),
        p.no,
        pickle(p.global("collections", "OrderedDict"), ")", "R"),
      ),
      "R",
    ),
  /** A whole pickle of one dictionary. */
  dictionaryOf: (...pairs: (readonly [string, Instruction])[]) =>
    pickle(
      p.protocol,
      "}",
      "(",
      ...pairs.flatMap(([key, value]) => [p.text(key), value]),
      "u",
      ".",
    ),
};

export interface ZipFault {
  /** Compression method that is claimed. */
  readonly method?: number;
  readonly flags?: number;
  /** Size that the directory claims. */
  readonly size?: number;
  /** Place of the local header that the directory claims. */
  readonly offset?: number;
}

export interface ZipOptions {
  /** Sizes, places and counts in ZIP64 fields, as in archives of more than 4 GiB. */
  readonly zip64?: boolean;
  readonly comment?: string;
  /** Entries that the end record claims. */
  readonly entries?: number;
}

/** A ZIP of stored entries, each with a padded extra field as torch has it. */
export function zip(
  entries: readonly (readonly [name: string, bytes: Uint8Array, fault?: ZipFault])[],
  options: ZipOptions = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (list: Uint8Array[], bytes: Uint8Array): void => {
    list.push(bytes);
    if (list === parts) at += bytes.length;
  };
  for (const [name, bytes, fault = {}] of entries) {
    const encoded = Buffer.from(name);
    const offset = fault.offset ?? at;
    const size = fault.size ?? bytes.length;
    const padding = 4 + ((64 - ((at + 34 + encoded.length) % 64)) % 64);
    const local = fields(30 + encoded.length + padding, (view) => {
      view.setUint32(0, 0x04034b50, true);
      view.setUint16(8, fault.method ?? 0, true);
      view.setUint32(18, bytes.length, true);
      view.setUint32(22, bytes.length, true);
      view.setUint16(26, encoded.length, true);
      view.setUint16(28, padding, true);
      view.setUint16(30 + encoded.length, 0x4246, true);
      view.setUint16(32 + encoded.length, padding - 4, true);
    });
    local.set(encoded, 30);
    add(parts, local);
    add(parts, bytes);
    const extra = options.zip64
      ? fields(28, (view) => {
          view.setUint16(0, 1, true);
          view.setUint16(2, 24, true);
          view.setBigUint64(4, BigInt(size), true);
          view.setBigUint64(12, BigInt(size), true);
          view.setBigUint64(20, BigInt(offset), true);
        })
      : new Uint8Array(0);
    const record = fields(46 + encoded.length, (view) => {
      view.setUint32(0, 0x02014b50, true);
      view.setUint16(8, fault.flags ?? 0, true);
      view.setUint16(10, fault.method ?? 0, true);
      view.setUint32(20, options.zip64 ? 0xffffffff : size, true);
      view.setUint32(24, options.zip64 ? 0xffffffff : size, true);
      view.setUint16(28, encoded.length, true);
      view.setUint16(30, extra.length, true);
      view.setUint32(42, options.zip64 ? 0xffffffff : offset, true);
    });
    record.set(encoded, 46);
    directory.push(record, extra);
  }
  const start = at;
  const directoryBytes = directory.reduce((sum, { length }) => sum + length, 0);
  for (const record of directory) add(parts, record);
  const count = options.entries ?? entries.length;
  if (options.zip64) {
    const end64 = at;
    const numbers = [count, count, directoryBytes, start];
    add(
      parts,
      fields(56, (view) => {
        view.setUint32(0, 0x06064b50, true);
        view.setBigUint64(4, 44n, true);
        numbers.forEach((value, i) => view.setBigUint64(24 + 8 * i, BigInt(value), true));
      }),
    );
    add(
      parts,
      fields(20, (view) => {
        view.setUint32(0, 0x07064b50, true);
        view.setBigUint64(8, BigInt(end64), true);
        view.setUint32(16, 1, true);
      }),
    );
  }
  const comment = Buffer.from(options.comment ?? "");
  const end = fields(22 + comment.length, (view) => {
    view.setUint32(0, 0x06054b50, true);
    view.setUint16(8, options.zip64 ? 0xffff : count, true);
    view.setUint16(10, options.zip64 ? 0xffff : count, true);
    view.setUint32(12, options.zip64 ? 0xffffffff : directoryBytes, true);
    view.setUint32(16, options.zip64 ? 0xffffffff : start, true);
    view.setUint16(20, comment.length, true);
  });
  end.set(comment, 22);
  add(parts, end);
  return new Uint8Array(Buffer.concat(parts));
}

function fields(length: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(new DataView(bytes.buffer));
  return bytes;
}

/** A torch file: the pickle and the storages by key. */
export function torchFile(
  data: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  options: ZipOptions = {},
): Uint8Array {
  return zip(
    [
      ["archive/data.pkl", data],
      ["archive/byteorder", Buffer.from("little")],
      ...Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const),
      ["archive/version", Buffer.from("3\n")],
    ],
    options,
  );
}

export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
