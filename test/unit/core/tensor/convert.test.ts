/** Conversion of stored bytes, each type against DataView. */
import { expect, test } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import { fromFloat32, toFloat32 } from "../../../../src-main/core/tensor/convert.ts";
import { byteSize, dtypes, type DType } from "../../../../src-main/core/tensor/dtype.ts";

/** Bytes of one number, written by DataView at an odd offset of a larger buffer. */
function stored(dtype: DType, values: readonly (number | bigint)[]): Uint8Array {
  const size = byteSize(dtype);
  const buffer = new ArrayBuffer(1 + size * values.length);
  const view = new DataView(buffer);
  values.forEach((value, i) => {
    const at = 1 + i * size;
    if (dtype === "F64") view.setFloat64(at, Number(value), true);
    else if (dtype === "F32") view.setFloat32(at, Number(value), true);
    else if (dtype === "F16" || dtype === "BF16") view.setUint16(at, Number(value), true);
    else if (size === 8) view.setBigInt64(at, BigInt(value), true);
    else if (size === 4) view.setUint32(at, Number(value), true);
    else if (size === 2) view.setUint16(at, Number(value), true);
    else view.setUint8(at, Number(value));
  });
  return new Uint8Array(buffer, 1);
}

const cases: Record<DType, [(number | bigint)[], number[]]> = {
  F64: [
    [1 / 3, -1e300, 2 ** -1074],
    [Math.fround(1 / 3), -Infinity, 0],
  ],
  F32: [
    [1.5, -0, 3e38],
    [1.5, -0, Math.fround(3e38)],
  ],
  F16: [
    [0x3e00, 0xfbff, 1],
    [1.5, -65504, 2 ** -24],
  ],
  BF16: [
    [0x3fc0, 0xc040],
    [1.5, -3],
  ],
  F8_E4M3: [
    [0x38, 0xc4, 0x7e, 0x01, 0x07, 0x08, 0xff, 0x80],
    [1, -3, 448, 2 ** -9, 7 * 2 ** -9, 2 ** -6, NaN, -0],
  ],
  F8_E5M2: [
    [0x3c, 0xc2, 0x7b, 0x01, 0xfc],
    [1, -3, 57344, 2 ** -16, -Infinity],
  ],
  I64: [
    [-5n, 1n << 40n, -(1n << 53n), -(1n << 63n)],
    [-5, 2 ** 40, -(2 ** 53), -(2 ** 63)],
  ],
  U64: [
    [5n, (1n << 64n) - 1n],
    [5, 2 ** 64],
  ],
  I32: [
    [-5, 2 ** 31 - 1],
    [-5, 2 ** 31],
  ],
  U32: [
    [5, 2 ** 32 - 1],
    [5, 2 ** 32],
  ],
  I16: [
    [-5, 32767],
    [-5, 32767],
  ],
  U16: [
    [5, 65535],
    [5, 65535],
  ],
  I8: [
    [-5, 127],
    [-5, 127],
  ],
  U8: [
    [5, 255],
    [5, 255],
  ],
  BOOL: [
    [0, 1, 255],
    [0, 1, 1],
  ],
};

test.each(dtypes)("%s is read from unaligned bytes", (dtype) => {
  const [values, expected] = cases[dtype];
  expect([...toFloat32(stored(dtype, values), dtype)]).toEqual(expected);
  expect([...toFloat32(stored(dtype, values).slice(), dtype)]).toEqual(expected);
  expect(toFloat32(new Uint8Array(0), dtype)).toHaveLength(0);
});

test("the three written types hold their definition's bytes", () => {
  const values = Float32Array.of(1.5, -0.1);
  expect(fromFloat32(values, "F32", "a")).toEqual(stored("F32", [1.5, -0.1]));
  expect(fromFloat32(values, "F16", "a")).toEqual(stored("F16", [0x3e00, 0xae66]));
  expect(fromFloat32(values, "BF16", "a")).toEqual(stored("BF16", [0x3fc0, 0xbdcd]));
});

test.each([
  ["F16", 70000, "65504", "bf16 or f32"],
  ["BF16", -3.4e38, "3.39e38", "f32"],
] as const)(
  "%s says which value is too large, where, and what to choose",
  (dtype, value, largest, other) => {
    const values = new Float32Array(100);
    values[42] = value;
    try {
      fromFloat32(values, dtype, "unet.down.weight");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(FacetError);
      expect(error).toMatchObject({ code: "overflow", field: "unet.down.weight" });
      for (const part of [
        "unet.down.weight",
        String(Math.fround(value)),
        "index 42 of 100",
        largest,
        other,
      ]) {
        expect((error as FacetError).message).toContain(part);
      }
    }
  },
);

test("infinity and NaN are not called overflow", () => {
  const values = Float32Array.of(Infinity, -Infinity, NaN);
  expect([...toFloat32(fromFloat32(values, "F16", "a"), "F16")]).toEqual([
    Infinity,
    -Infinity,
    NaN,
  ]);
  expect([...toFloat32(fromFloat32(values, "BF16", "a"), "BF16")]).toEqual([
    Infinity,
    -Infinity,
    NaN,
  ]);
});
