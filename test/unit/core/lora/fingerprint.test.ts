import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { canonicalChunks, fingerprint } from "../../../../src-main/core/lora/fingerprint.ts";
import type { Lora } from "../../../../src-main/core/lora/lora.ts";
import { randomLora } from "../../../support/dense.ts";

function sha256(lora: Lora): string {
  const hash = createHash("sha256");
  return fingerprint(lora, {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest("hex"),
  });
}

const lora: Lora = {
  family: "sd15",
  modules: [
    {
      path: "unet.a",
      out: 1,
      in: 2,
      kernel: [1, 1],
      conv: false,
      rank: 1,
      down: Float32Array.of(1, -2),
      up: Float32Array.of(0.5),
    },
  ],
  embeddings: [
    { token: "<é>", shape: [1, 1], values: Float32Array.of(3), component: "text_encoder" },
  ],
};

describe("the fingerprint", () => {
  it("hashes exactly the bytes that it documents", () => {
    const wanted = Buffer.concat([
      Buffer.from("facet-lora 1 sd15\nunet.a 1 2 1\n"),
      Buffer.from("0000803f000000c0" + "0000003f", "hex"), // 1, -2, 0.5 in little-endian float32
      Buffer.from('text_encoder "<é>" 1 1\n'),
      Buffer.from("00004040", "hex"),
    ]);
    expect(Buffer.concat([...canonicalChunks(lora)])).toEqual(wanted);
    expect(sha256(lora)).toBe(createHash("sha256").update(wanted).digest("hex"));
  });

  it("sees views into larger buffers as what they show", () => {
    const [module] = lora.modules;
    if (module === undefined) throw new Error("one module");
    const down = Float32Array.of(9, 9, 1, -2, 9).subarray(2, 4);
    expect(sha256({ ...lora, modules: [{ ...module, down }] })).toBe(sha256(lora));
  });

  it("differs when any number, path, shape, order or embedding does", () => {
    const base = randomLora(1, 2);
    const [first, ...rest] = base.modules;
    const [embedding] = lora.embeddings;
    if (first === undefined || embedding === undefined) throw new Error("the LoRA has modules");
    const changed = first.up.slice();
    changed[3] = Math.fround((changed[3] ?? 0) * (1 + 2 ** -23));
    const variants: Lora[] = [
      base,
      { ...base, family: "sdxl" },
      { ...base, modules: rest },
      { ...base, modules: base.modules.toReversed() },
      { ...base, modules: [{ ...first, up: changed }, ...rest] },
      { ...base, modules: [{ ...first, path: "unet.other" }, ...rest] },
      { ...base, modules: [{ ...first, rank: 1, in: 2 * first.in, out: 2 * first.out }, ...rest] },
      { ...base, embeddings: [embedding] },
      { ...base, embeddings: [{ ...embedding, token: "<other>" }] },
    ];
    expect(new Set(variants.map(sha256)).size).toBe(variants.length);
  });
});
