/** Files are opened by their content; what is often mistaken for a model is named as what it is. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openTensorFile } from "../../../../src-main/core/formats/open.ts";
import { encodeSafetensors } from "../../../../src-main/core/formats/safetensors/write.ts";
import { bytesSource } from "../../../../src-main/core/formats/source.ts";
import { byteSize, elementCount, type DType } from "../../../../src-main/core/tensor/dtype.ts";

const fixtures = new URL("../../../fixtures/", import.meta.url);

test("a torch file under a safetensors name opens, and the other way round", () => {
  const torch = readFileSync(new URL("torch/sole.pt", fixtures));
  expect([...openTensorFile(bytesSource("a.safetensors", torch)).tensors.keys()]).toEqual([
    "tensor",
  ]);
  const safetensors = readFileSync(new URL("safetensors/reference.safetensors", fixtures));
  expect(openTensorFile(bytesSource("a.pt", safetensors)).tensors.size).toBe(16);
});

test.each([
  [
    "a pointer of Git LFS",
    "version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
    "git lfs pull",
  ],
  ["a web page", "<!DOCTYPE html><html><body>Sign in</body></html>", "login or error page"],
  ["a GGUF file", "GGUF\u0003\u0000\u0000\u0000", "GGUF"],
  ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), "PNG"],
])("%s is called what it is", (_, content, words) => {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  expect(() => openTensorFile(bytesSource("model.safetensors", bytes))).toThrow(
    expect.objectContaining({
      code: "unsupported",
      path: "model.safetensors",
      message: expect.stringContaining(words) as string,
    }),
  );
});

test("a real LoRA's header of 386 tensors and 196 metadata entries is read in full", () => {
  const { metadata, tensors } = JSON.parse(
    readFileSync(new URL("safetensors/disney-header.json", fixtures), "utf8"),
  ) as { metadata: Record<string, string>; tensors: Record<string, [DType, number[]]> };
  const { chunks } = encodeSafetensors(
    Object.entries(tensors).map(([name, [dtype, shape]]) => ({
      name,
      dtype,
      shape,
      values: () => new Uint8Array(elementCount(shape) * byteSize(dtype)),
    })),
    metadata,
  );
  const file = openTensorFile(bytesSource("disney", new Uint8Array(Buffer.concat([...chunks]))));
  expect(file.tensors.size).toBe(386);
  expect(Object.fromEntries(file.metadata)).toEqual(metadata);
  for (const [name, [dtype, shape]] of Object.entries(tensors)) {
    expect(file.tensors.get(name)).toMatchObject({ dtype, shape });
  }
});
