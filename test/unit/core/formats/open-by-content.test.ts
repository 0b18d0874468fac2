/** Files are told apart by content: every header length must reach the safetensors reader. */
import { expect, it } from "vitest";
import { openTensorFile } from "../../../../src-main/core/formats/open.ts";
import { encodeSafetensors } from "../../../../src-main/core/formats/safetensors/write.ts";
import { bytesSource } from "../../../../src-main/core/formats/source.ts";

it("opens safetensors files whatever byte their header length begins with", () => {
  const starts = new Set<number>();
  for (let length = 0; length < 256; length++) {
    const { chunks } = encodeSafetensors(
      [{ name: "a", dtype: "F32", shape: [1], values: () => Float32Array.of(1) }],
      { note: "x".repeat(length) },
    );
    const bytes = Buffer.concat([...chunks]);
    starts.add(bytes[0] ?? 0);
    expect([...openTensorFile(bytesSource("any.safetensors", bytes)).readFloat32("a")]).toEqual([
      1,
    ]);
  }
  expect(starts.has(0x80)).toBe(true);
  expect(starts.size).toBe(32);
});
