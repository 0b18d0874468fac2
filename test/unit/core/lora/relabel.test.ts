/** NaN and infinity are found wherever they lie, in every type, and nothing else is taken for them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../../../src-main/core/formats/safetensors/read.ts";
import { relabelLora } from "../../../../src-main/core/lora/relabel.ts";

const name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
const width = { F16: 2, BF16: 2, F32: 4 } as const;
type Kind = keyof typeof width;

/** A file with one module of rank 1; `shift` two-byte numbers lie before its matrices. */
function fileOf(dtype: Kind, down: Uint8Array, shift: number) {
  const size = 320 * width[dtype];
  const entries: [string, string, number[], number][] = [
    ...Array.from({ length: shift }, (_, index): [string, string, number[], number] => [
      `a${index}`,
      "I16",
      [1],
      2,
    ]),
    [`${name}.lora_down.weight`, dtype, [1, 320], size],
    [`${name}.lora_up.weight`, dtype, [320, 1], size],
  ];
  let end = 0;
  const header = Object.fromEntries(
    entries.map(([key, type, shape, bytes]) => {
      end += bytes;
      return [key, { dtype: type, shape, data_offsets: [end - bytes, end] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = Buffer.concat([Buffer.alloc(2 * shift), down, Buffer.alloc(size)]);
  const bytes = new Uint8Array(Buffer.concat([length, json, data]));
  const source = {
    name: "test.safetensors",
    size: bytes.length,
    read: (offset: number, count: number) => bytes.slice(offset, offset + count),
  };
  const file = readSafetensors(source);
  return { file, data: source.read(file.dataOffset, source.size - file.dataOffset) };
}

/** By the definitions of IEEE 754 and bfloat16: all exponent bits set. */
function isSpecial(dtype: Kind, bits: number): boolean {
  const exponent = { F16: 0x7c00, BF16: 0x7f80, F32: 0x7f80_0000 }[dtype];
  return (bits & exponent) >>> 0 === exponent;
}

describe("relabelLora", () => {
  it("throws exactly where a number is not finite", () => {
    const bits = fc.oneof(
      fc.nat(0xffff_ffff),
      fc.constantFrom(
        0x7c00,
        0xfc00,
        0x7bff,
        0x7f80,
        0xff80,
        0x7f7f,
        0x7f80_0000,
        0xff80_0000,
        0x7f7f_ffff,
        0x7fc0_0000,
        0,
      ),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<Kind>("F16", "BF16", "F32"),
        fc.nat(319),
        bits,
        fc.nat(3),
        (dtype, index, number, shift) => {
          const size = width[dtype];
          const value = size === 4 ? number >>> 0 : number & 0xffff;
          const down = Buffer.alloc(320 * size);
          down.writeUIntLE(value, index * size, size);
          // Neighbours that are as large as can be must not be taken for more.
          if (index > 0)
            down.writeUIntLE(
              { F16: 0x7bff, BF16: 0x7f7f, F32: 0x7f7f_ffff }[dtype],
              (index - 1) * size,
              size,
            );
          const { file, data } = fileOf(dtype, down, shift);
          const relabel = () => relabelLora(file, data, "kohya", dtype);
          if (isSpecial(dtype, value))
            expect(relabel).toThrow(
              new RegExp(`lora_down.weight holds .* at index ${index} of 320`),
            );
          else expect(relabel()?.tensors).toHaveLength(3);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("writes the alpha that absence means", () => {
    const { file, data } = fileOf("F16", new Uint8Array(640), 0);
    const result = relabelLora(file, data, "kohya", "F16");
    expect(result?.written.modules).toMatchObject([{ rank: 1, alpha: 1 }]);
    const alpha = result?.tensors.find((tensor) => tensor.name.endsWith(".alpha"));
    expect(alpha?.values()).toEqual(Float32Array.of(1));
  });

  it("refuses to round: another type is the reader's business", () => {
    const { file, data } = fileOf("F16", new Uint8Array(640), 0);
    expect(relabelLora(file, data, "kohya", "BF16")).toBeNull();
  });
});
