/** The safetensors reader on files built here byte by byte, on the reference library's own, and on damage of all kinds. */
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import { openTensorFile } from "../../../../src-main/core/formats/open.ts";
import {
  readSafetensors,
  type SafetensorsFile,
} from "../../../../src-main/core/formats/safetensors/read.ts";
import { bytesSource, type ByteSource } from "../../../../src-main/core/formats/source.ts";
import { byteSize, dtypes, elementCount } from "../../../../src-main/core/tensor/dtype.ts";

const fixtures = new URL("../../../fixtures/", import.meta.url);

/** A file with any header, right or wrong: a text or bytes. */
function fileOf(
  header: string | Uint8Array,
  data = new Uint8Array(0),
  length?: bigint,
): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

/** Counts what a reader asks for, to catch one that believes the numbers of a hostile file. */
function meteredSource(bytes: Uint8Array): ByteSource & { asked: number } {
  const source = bytesSource("x.safetensors", bytes);
  return {
    ...source,
    asked: 0,
    read(offset, length) {
      this.asked += length;
      return bytesSource("x.safetensors", bytes).read(offset, length);
    },
  };
}

function refusal(bytes: Uint8Array): FacetError {
  try {
    readSafetensors(bytesSource("folder/x.safetensors", bytes));
  } catch (error) {
    if (error instanceof FacetError) return error;
    throw error;
  }
  return expect.unreachable("the file was accepted");
}

/** What must hold of any file that was accepted: the tensors tile the data, and each can be read. */
function expectConsistent(file: SafetensorsFile, bytes: Uint8Array): void {
  let total = 0;
  for (const entry of file.tensors.values()) {
    const wanted = elementCount(entry.shape) * byteSize(entry.dtype);
    expect(file.readBytes(entry.name)).toHaveLength(wanted);
    expect(file.readFloat32(entry.name)).toHaveLength(elementCount(entry.shape));
    total += wanted;
  }
  expect(file.dataOffset + total).toBe(bytes.length);
}

interface Part {
  readonly name: string;
  readonly dtype: (typeof dtypes)[number];
  readonly shape: readonly number[];
}

const part: fc.Arbitrary<Part> = fc.record({
  name: fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[a-z_.0-9]{1,40}$/)),
  dtype: fc.constantFrom(...dtypes),
  shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
});

const parts = fc.uniqueArray(
  part.filter(({ name }) => name !== "__metadata__"),
  { selector: ({ name }) => name, maxLength: 8 },
);

/** Built with JSON.stringify and running offsets only. */
function build(tensors: readonly Part[], metadata?: Record<string, string>, spaces = 0) {
  let end = 0;
  const entries: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  for (const { name, dtype, shape } of tensors) {
    const start = end;
    end += elementCount(shape) * byteSize(dtype);
    entries.push([name, { dtype, shape, data_offsets: [start, end] }]);
  }
  // fromEntries would reorder names that look like integers, which is as good an order as any.
  const json = JSON.stringify(Object.fromEntries(entries), undefined, spaces);
  const data = Uint8Array.from({ length: end }, (_, i) => (i * 31) % 251);
  return { bytes: fileOf(json, data), data };
}

test("any well-formed file is read as it was built", () => {
  fc.assert(
    fc.property(
      parts,
      fc.option(fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }))),
      fc.integer({ min: 0, max: 2 }),
      (tensors, metadata, spaces) => {
        const { bytes, data } = build(tensors, metadata ?? undefined, spaces);
        const file = readSafetensors(bytesSource("a", bytes));
        expect(file.tensors.size).toBe(tensors.length);
        expect(Object.fromEntries(file.metadata)).toEqual({ ...metadata });
        let end = 0;
        for (const { name, dtype, shape } of tensors) {
          const start = end;
          end += elementCount(shape) * byteSize(dtype);
          expect(file.tensors.get(name)).toEqual({ name, dtype, shape, start, end });
          expect(file.readBytes(name)).toEqual(data.slice(start, end));
        }
        expectConsistent(file, bytes);
      },
    ),
  );
});

test("whatever happens to a file's bytes, it is refused by a FacetError or read consistently", () => {
  const damage = fc.array(
    fc.record({
      kind: fc.constantFrom("set", "insert", "delete", "digit"),
      at: fc.nat(10_000),
      byte: fc.integer({ min: 0, max: 255 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(parts, damage, (tensors, changes) => {
      const list = [...build(tensors, { format: "pt" }).bytes];
      for (const { kind, at, byte } of changes) {
        const index = at % (list.length + 1);
        if (kind === "insert") list.splice(index, 0, byte);
        else if (kind === "delete") list.splice(index, 1);
        else if (index < list.length) list[index] = kind === "digit" ? 0x30 + (byte % 10) : byte;
      }
      const bytes = Uint8Array.from(list);
      const source = meteredSource(bytes);
      try {
        expectConsistent(openTensorFile(source) as SafetensorsFile, bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(FacetError);
        expect((error as FacetError).message).toContain("x.safetensors");
      }
      expect(source.asked).toBeLessThan(bytes.length * 4 + 100);
    }),
    { numRuns: 1500 },
  );
});

test("a file cut at any place is refused by a FacetError", () => {
  const { bytes } = build(
    [
      { name: "a", dtype: "F16", shape: [3, 2] },
      { name: "b", dtype: "F32", shape: [] },
    ],
    { format: "pt" },
  );
  for (let length = 0; length < bytes.length; length++) {
    const error = refusal(bytes.slice(0, length));
    expect(["truncated", "malformed"]).toContain(error.code);
    expect(error.path).toBe("folder/x.safetensors");
  }
});

const f32 = (start: number, end: number, shape = `[${(end - start) / 4}]`): string =>
  `{"dtype":"F32","shape":${shape},"data_offsets":[${start},${end}]}`;
const eight = new Uint8Array(8);

test.each<[what: string, file: Uint8Array, code: string, ...parts: string[]]>([
  ["empty file", new Uint8Array(0), "truncated", "is empty"],
  ["five bytes", new Uint8Array(5), "truncated", "only 5 bytes"],
  ["no header", fileOf("hello world"), "malformed", "not a safetensors file"],
  [
    "header length beyond the file",
    fileOf("{}", eight, 1000n),
    "truncated",
    "1000 bytes",
    "10 follow",
  ],
  ["header length of 2^64 - 1", fileOf("{}", eight, (1n << 64n) - 1n), "truncated", "10 follow"],
  ["header not UTF-8", fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), "malformed", "UTF-8"],
  ["byte order mark", fileOf("\ufeff{}"), "malformed"],
  ["text behind the header", fileOf(`{} x`), "malformed", "byte 3 of 4"],
  [
    "duplicate name",
    fileOf(`{"a":${f32(0, 4)},"a":${f32(4, 8)}}`, eight),
    "malformed",
    `"a" twice`,
  ],
  [
    "equal duplicate",
    fileOf(`{"a":${f32(0, 8)},"a":${f32(0, 8)}}`, eight),
    "malformed",
    `"a" twice`,
  ],
  [
    "duplicate by escape",
    fileOf(`{"a":${f32(0, 4)},"\\u0061":${f32(4, 8)}}`, eight),
    "malformed",
    "twice",
  ],
  [
    "overlap",
    fileOf(`{"a":${f32(0, 8)},"b":${f32(4, 8)}}`, eight),
    "malformed",
    `"a" and "b" overlap`,
    "4",
  ],
  ["gap", fileOf(`{"a":${f32(4, 8)}}`, eight), "malformed", "bytes 0 to 4", `"a"`],
  ["bytes behind the end", fileOf(`{"a":${f32(0, 4)}}`, eight), "malformed", "4 bytes follow"],
  [
    "data cut off",
    fileOf(`{"a":${f32(0, 12)}}`, eight),
    "truncated",
    "8 bytes",
    "12",
    "4 are missing",
  ],
  [
    "shape against offsets",
    fileOf(`{"a":${f32(0, 8, "[3]")}}`, eight),
    "malformed",
    "12 bytes",
    "hold 8",
  ],
  ["end before start", fileOf(`{"a":${f32(8, 4, "[1]")}}`, eight), "malformed", "8 to 4"],
  [
    "shape too large",
    fileOf(`{"a":${f32(0, 8, "[4294967296,4294967296]")}}`, eight),
    "malformed",
    "any file",
  ],
  [
    "shape too large but zero",
    fileOf(`{"a":${f32(0, 0, "[9007199254740991,9007199254740991,0]")}}`),
    "malformed",
  ],
  ["negative", fileOf(`{"a":${f32(0, 8, "[-2]")}}`, eight), "malformed", "shape", "holds -2"],
  ["float", fileOf(`{"a":${f32(0, 8, "[2.0]")}}`, eight), "malformed", "2.0"],
  ["exponent", fileOf(`{"a":${f32(0, 8, "[2e0]")}}`, eight), "malformed", "2e0"],
  ["leading zero", fileOf(`{"a":${f32(0, 8, "[02]")}}`, eight), "malformed", "02"],
  [
    "beyond 2^53",
    fileOf(`{"a":${f32(0, 8, "[9007199254740993]")}}`, eight),
    "malformed",
    "9007199254740993",
  ],
  ["text as size", fileOf(`{"a":${f32(0, 8, '["2"]')}}`, eight), "malformed", `"a"`],
  [
    "65 dimensions",
    fileOf(`{"a":${f32(0, 8, `[${"1,".repeat(64)}2]`)}}`, eight),
    "malformed",
    "64 dimensions",
  ],
  [
    "unknown dtype",
    fileOf(`{"a":{"dtype":"F8_E8M0","shape":[8],"data_offsets":[0,8]}}`, eight),
    "unsupported",
    "F8_E8M0",
  ],
  [
    "dtype of an object's own property",
    fileOf(`{"a":{"dtype":"toString","shape":[],"data_offsets":[0,0]}}`),
    "unsupported",
  ],
  ["no dtype", fileOf(`{"a":{"shape":[2],"data_offsets":[0,8]}}`, eight), "malformed", "its dtype"],
  [
    "no shape",
    fileOf(`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, eight),
    "malformed",
    "its shape",
  ],
  ["no offsets", fileOf(`{"a":{"dtype":"F32","shape":[2]}}`, eight), "malformed", "data_offsets"],
  [
    "one offset",
    fileOf(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}`, eight),
    "malformed",
  ],
  [
    "three offsets",
    fileOf(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}`, eight),
    "malformed",
  ],
  [
    "field twice",
    fileOf(`{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, eight),
    "malformed",
    "repeated",
  ],
  [
    "offsets twice",
    fileOf(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}}`, eight),
    "malformed",
    "repeated",
  ],
  ["tensor that is a list", fileOf(`{"a":[]}`), "malformed", `in "a"`],
  ["metadata number", fileOf(`{"__metadata__":{"a":1}}`), "malformed", `in "a"`, "text only"],
  ["metadata nested", fileOf(`{"__metadata__":{"a":{}}}`), "malformed", "text only"],
  ["metadata list", fileOf(`{"__metadata__":[]}`), "malformed", "metadata is an object"],
  ["metadata twice", fileOf(`{"__metadata__":{},"__metadata__":{}}`), "malformed", "twice"],
  ["metadata key twice", fileOf(`{"__metadata__":{"a":"","a":""}}`), "malformed", "__metadata__.a"],
  [
    "control character in a name",
    fileOf(`{"a\n":${f32(0, 8)}}`, eight),
    "malformed",
    "closing quote",
  ],
  ["bad escape", fileOf(`{"\\x":${f32(0, 8)}}`, eight), "malformed", "escapes"],
  ["open string", fileOf(`{"abc`), "malformed", "its end"],
  ["string that ends in a backslash", fileOf(`{"abc\\`), "malformed", "its end"],
  ["trailing comma", fileOf(`{"a":${f32(0, 8)},}`, eight), "malformed", "a tensor's name"],
])("refuses: %s", (_, file, code, ...mentioned) => {
  const error = refusal(file);
  expect(error.code).toBe(code);
  expect(error.path).toBe("folder/x.safetensors");
  for (const text of ["folder/x.safetensors", ...mentioned]) expect(error.message).toContain(text);
});

test("a header that nests a million deep is refused without being built", () => {
  expect(refusal(fileOf(`{"a":${"[".repeat(1_000_000)}`)).code).toBe("malformed");
  expect(refusal(fileOf(`{"a":{"dtype":"F32","shape":${"[".repeat(1_000_000)}`)).code).toBe(
    "malformed",
  );
});

test("too many tensors and too long a name are refused with the limit", () => {
  const many = Array.from({ length: 200_001 }, (_, i) => `"${i}":${f32(0, 0)}`).join(",");
  expect(refusal(fileOf(`{${many}}`))).toMatchObject({ code: "too-large" });
  const long = refusal(fileOf(`{"${"n".repeat(1001)}":${f32(0, 0)}}`));
  expect(long).toMatchObject({ code: "too-large" });
  expect(long.message).toContain("1001 characters");
});

test("tensors may stand in any order in the header, and be empty", () => {
  const file = readSafetensors(
    bytesSource(
      "a",
      fileOf(`{"late":${f32(4, 8)},"none":${f32(4, 4)},"early":${f32(0, 4)}}  \n`, eight),
    ),
  );
  expect([...file.tensors.keys()]).toEqual(["late", "none", "early"]);
  expect(file.readFloat32("none")).toHaveLength(0);
});

test("an unknown tensor is not found, by name", () => {
  const file = readSafetensors(bytesSource("a.safetensors", fileOf("{}")));
  expect(() => file.readFloat32("b")).toThrow(
    expect.objectContaining({ code: "not-found", field: "b" }),
  );
});

test("part of a tensor is read by its range alone", () => {
  const { bytes, data } = build([
    { name: "a", dtype: "U8", shape: [100] },
    { name: "b", dtype: "U8", shape: [100] },
  ]);
  const source = meteredSource(bytes);
  const file = readSafetensors(source);
  source.asked = 0;
  expect(file.readBytes("b", 10, 5)).toEqual(data.slice(110, 115));
  expect(source.asked).toBe(5);
  expect(() => file.readBytes("a", 90, 20)).toThrow("range");
});

test("the reference library's file of every type is read with its values", () => {
  const expected = JSON.parse(readFileSync(new URL("torch/expected.json", fixtures), "utf8"))[
    "reference.safetensors"
  ] as Record<string, [string, number[], number[]]>;
  const file = readSafetensors(
    bytesSource("reference", readFileSync(new URL("safetensors/reference.safetensors", fixtures))),
  );
  expect([...file.metadata]).toEqual([["note", 'a "text"\twith é and 😀']]);
  expect(new Set(file.tensors.keys())).toEqual(new Set(Object.keys(expected)));
  for (const [name, [dtype, shape, values]] of Object.entries(expected)) {
    expect(file.tensors.get(name)).toMatchObject({ dtype, shape });
    expect([...file.readFloat32(name)]).toEqual(values.map(Math.fround));
  }
});
