/** The safetensors writer against the reference library's bytes and a reader of a few lines. */
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readSafetensors } from "../../../../src-main/core/formats/safetensors/read.ts";
import {
  encodeSafetensors,
  type PlannedTensor,
} from "../../../../src-main/core/formats/safetensors/write.ts";
import { bytesSource } from "../../../../src-main/core/formats/source.ts";

const reference = readFileSync(
  new URL("../../../fixtures/safetensors/reference.safetensors", import.meta.url),
);

function whole(chunks: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...chunks]));
}

/** Shares no code with the reader under test. */
function independentRead(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = Number(view.getBigUint64(0, true));
  const json = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const { __metadata__: metadata = {}, ...tensors } = JSON.parse(json) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const data = (name: string): DataView => {
    const [start, end] = tensors[name]?.data_offsets ?? [0, 0];
    return new DataView(bytes.buffer, bytes.byteOffset + 8 + length + start, end - start);
  };
  return { length, json, metadata, tensors, data };
}

function f32(name: string, values: number[]): PlannedTensor {
  return { name, dtype: "F32", shape: [values.length], values: () => Float32Array.from(values) };
}

test("the same tensors give the reference serializer's very bytes: order, padding, escapes", () => {
  const file = readSafetensors(bytesSource("reference", reference));
  const shuffled = [...file.tensors.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
  const { bytes, chunks } = encodeSafetensors(
    shuffled.map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      values: () => file.readBytes(name),
    })),
    Object.fromEntries(file.metadata),
  );
  expect(bytes).toBe(reference.length);
  expect(Buffer.from(whole(chunks)).equals(reference)).toBe(true);
});

test("an independent reader finds names, metadata and values in place", () => {
  const tensor = fc.record({
    name: fc
      .string({ unit: "grapheme" })
      .filter((name) => name !== "__metadata__" && name !== "__proto__"),
    dtype: fc.constantFrom("F32", "F16", "BF16"),
    values: fc.array(fc.integer({ min: -100, max: 100 }), { maxLength: 6 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 }),
      fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })),
      (tensors, metadata) => {
        const plan = tensors.map(({ name, dtype, values }): PlannedTensor => ({
          name,
          dtype,
          shape: [values.length],
          values: () => Float32Array.from(values),
        }));
        const { bytes, chunks } = encodeSafetensors(plan, metadata);
        const file = whole(chunks);
        expect(file.length).toBe(bytes);
        expect(whole(encodeSafetensors(plan.toReversed(), metadata).chunks)).toEqual(file);
        const read = independentRead(file);
        expect(read.length % 8).toBe(0);
        expect(read.metadata).toEqual(metadata);
        expect(Object.keys(read.tensors).length).toBe(tensors.length);
        for (const { name, dtype, values } of tensors) {
          expect(read.tensors[name]).toMatchObject({ dtype, shape: [values.length] });
          const data = read.data(name);
          expect(data.byteLength).toBe(values.length * (dtype === "F32" ? 4 : 2));
          values.forEach((value, i) => {
            if (dtype === "F32") expect(data.getFloat32(i * 4, true)).toBe(value);
            // The upper half of a float32; whole numbers up to 100 have at most seven bits.
            if (dtype === "BF16") expect(bfloat(data.getUint16(i * 2, true))).toBe(value);
            if (dtype === "F16") expect(half(data.getUint16(i * 2, true))).toBe(value);
          });
        }
      },
    ),
  );
});

function bfloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? NaN;
}

/** Normal numbers and zero only. */
function half(bits: number): number {
  const magnitude = (1 + (bits & 0x3ff) / 1024) * 2 ** (((bits >> 10) & 31) - 15);
  return (bits & 0x7fff) === 0 ? 0 : bits >> 15 === 1 ? -magnitude : magnitude;
}

test("metadata keys are sorted and an empty set is left out", () => {
  const { json } = independentRead(whole(encodeSafetensors([], { b: "2", a: "1" }).chunks));
  expect(json.trimEnd()).toBe('{"__metadata__":{"a":"1","b":"2"}}');
  expect(independentRead(whole(encodeSafetensors([], {}).chunks)).json.trimEnd()).toBe("{}");
});

test("a text cut inside an emoji is mended, since the reference reader would refuse the file", () => {
  const read = independentRead(whole(encodeSafetensors([], { note: "ab\ud83d" }).chunks));
  expect(read.json).not.toContain("\\ud83d");
  expect(read.metadata).toEqual({ note: "ab\ufffd" });
});

test("values are made one tensor at a time, in file order, and anew on each walk", () => {
  const made: string[] = [];
  const plan = ["b", "a"].map((name) => ({
    ...f32(name, [1, 2]),
    values: () => {
      made.push(name);
      return Float32Array.of(1, 2);
    },
  }));
  const { chunks } = encodeSafetensors(plan, {});
  expect(made).toEqual([]);
  const walk = chunks[Symbol.iterator]();
  walk.next();
  expect(made).toEqual([]);
  walk.next();
  expect(made).toEqual(["a"]);
  expect(whole(chunks)).toEqual(whole(chunks));
  expect(made).toEqual(["a", "a", "b", "a", "b"]);
});

test("a value beyond float16 names its tensor", () => {
  const plan: PlannedTensor = { ...f32("up", [1, 1e6]), dtype: "F16" };
  expect(() => whole(encodeSafetensors([plan], {}).chunks)).toThrow(
    expect.objectContaining({ code: "overflow", field: "up" }),
  );
});

test("mistakes of the caller are caught before a wrong file exists", () => {
  expect(() => encodeSafetensors([f32("a", [1]), f32("a", [2])], {})).toThrow(
    'two tensors named "a"',
  );
  expect(() => encodeSafetensors([f32("__metadata__", [1])], {})).toThrow("__metadata__");
  expect(() => whole(encodeSafetensors([{ ...f32("a", [1]), shape: [2] }], {}).chunks)).toThrow(
    "1 values, planned 2",
  );
});

test("a header that readers would refuse is not written", () => {
  expect(() => encodeSafetensors([], { big: "x".repeat(100_000_001) })).toThrow(
    expect.objectContaining({ code: "too-large" }),
  );
});
