/** What the writer puts on disk, read back by an independent reader and hashed by kohya's definitions. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lora, LoraModule } from "../../src-main/core/lora/lora.ts";
import { copyLoraFile, writeLoraFile } from "../../src-main/export/writer.ts";
import { openLora } from "../../src-main/files/lora-file.ts";
import { readTensorFile, writeTensorFile } from "../support/safetensors.ts";
import {
  deltaOf,
  relativeDifference,
  smallAlpha,
  smallModules,
  smallRank,
  writeSmallLora,
} from "../support/small-loras.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet-writer-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Large enough (2 MB in f16) for the window of the older hash to lie in it. */
function large(): Lora {
  const modules = ["to_q", "to_k", "to_v"].map((matrix): LoraModule => {
    const path = `unet.mid_block.attentions.0.transformer_blocks.0.attn1.${matrix}`;
    const rank = 128;
    const fill = (size: number) =>
      Float32Array.from({ length: size }, (_, index) => Math.sin(index * matrix.length + 1) / 8);
    return {
      path,
      out: 1280,
      in: 1280,
      kernel: [1, 1],
      conv: false,
      rank,
      down: fill(rank * 1280),
      up: fill(1280 * rank),
    };
  });
  return { family: "sd15", modules, embeddings: [] };
}

describe("writeLoraFile", () => {
  it("writes hashes that the definitions of formats.md 3.2 give", () => {
    const to = join(folder, "large.safetensors");
    const metadata = { ss_output_name: "Ada", "modelspec.title": "Ada", "facet.recipe": "{}" };
    const result = writeLoraFile({
      lora: large(),
      to,
      dialect: "kohya",
      dtype: "f16",
      metadata,
      overwrite: false,
    });
    const bytes = readFileSync(to);
    expect(result).toEqual({ bytes: bytes.length, sha256: sha256(bytes), modules: 3 });
    const file = readTensorFile(to);
    expect(file.metadata["sshs_model_hash"]).toBe(sha256(file.data));
    expect(file.metadata["modelspec.hash_sha256"]).toBe(`0x${sha256(file.data)}`);

    // The same tensors serialised again with nothing but ss_*, as kohya does before it hashes.
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + file.headerBytes)) as Record<
      string,
      unknown
    >;
    const own = Object.entries(file.metadata).filter(([key]) => key.startsWith("ss_"));
    const json = JSON.stringify({ ...header, __metadata__: Object.fromEntries(own) });
    const padded = Buffer.from(json.padEnd(Math.ceil(Buffer.byteLength(json) / 8) * 8));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(padded.length));
    const plain = Buffer.concat([length, padded, file.data]);
    expect(plain.length).toBeGreaterThan(0x110000);
    expect(file.metadata["sshs_legacy_hash"]).toBe(
      sha256(plain.subarray(0x100000, 0x110000)).slice(0, 8),
    );
  });

  it("gives the older hash of nothing for a file that ends before its window", () => {
    const to = join(folder, "tiny.safetensors");
    const [module] = large().modules;
    const down = new Float32Array(1280).fill(0.5);
    const lora: Lora = {
      family: "sd15",
      embeddings: [],
      modules: module === undefined ? [] : [{ ...module, rank: 1, down, up: down }],
    };
    writeLoraFile({ lora, to, dialect: "kohya", dtype: "f32", metadata: {}, overwrite: false });
    expect(readTensorFile(to).metadata["sshs_legacy_hash"]).toBe(
      sha256(Buffer.alloc(0)).slice(0, 8),
    );
  });

  it("keeps the header below 1 MiB by leaving pictures out", () => {
    const to = join(folder, "pictures.safetensors");
    const metadata = { "modelspec.thumbnail": "x".repeat(2 ** 20), "modelspec.tags": "kept" };
    writeLoraFile({
      lora: large(),
      to,
      dialect: "kohya",
      dtype: "bf16",
      metadata,
      overwrite: false,
    });
    const file = readTensorFile(to);
    expect(file.headerBytes + 8).toBeLessThanOrEqual(2 ** 20);
    expect(file.metadata).not.toHaveProperty(["modelspec.thumbnail"]);
    expect(file.metadata["modelspec.tags"]).toBe("kept");
  });

  it("refuses what f16 cannot hold, names the tensor, offers what can, and leaves nothing behind", () => {
    const lora = large();
    lora.modules[1]?.up.fill(70_000, 7, 8);
    const to = join(folder, "overflow.safetensors");
    const before = readdirSync(folder);
    const write = (dtype: "f16" | "bf16") =>
      writeLoraFile({ lora, to, dialect: "kohya", dtype, metadata: {}, overwrite: false });
    expect(() => write("f16")).toThrow(
      /attn1_to_k\.lora_up\.weight.*bf16|bf16.*attn1_to_k\.lora_up\.weight/s,
    );
    expect(readdirSync(folder)).toEqual(before);
    expect(write("bf16").modules).toBe(3);
  });

  it("never replaces a file unless told", () => {
    const to = join(folder, "there.safetensors");
    writeFileSync(to, "precious");
    const write = (overwrite: boolean) =>
      writeLoraFile({ lora: large(), to, dialect: "kohya", dtype: "f16", metadata: {}, overwrite });
    expect(() => write(false)).toThrow(
      expect.objectContaining({ code: "already-exists", path: to }),
    );
    expect(readFileSync(to, "utf8")).toBe("precious");
    write(true);
    expect(readTensorFile(to).tensors.size).toBe(9);
  });
});

describe("copyLoraFile", () => {
  const options = { metadata: {}, overwrite: true } as const;

  it("changes names only: every number and every alpha stays", () => {
    const from = join(folder, "source.safetensors");
    const to = join(folder, "copy.safetensors");
    writeSmallLora(from, 5, { ss_network_alpha: "99" });
    for (const dialect of ["kohya", "kohya-diffusers", "peft"] as const) {
      const result = copyLoraFile({ path: from }, { ...options, to, dialect, dtype: "f32" });
      expect(result?.modules).toBe(smallModules.length);
      const original = readTensorFile(from);
      const copy = readTensorFile(to);
      for (const { kohya, peft } of smallModules) {
        const [down, up] =
          dialect === "peft"
            ? [`${peft}.lora_A.weight`, `${peft}.lora_B.weight`]
            : [`${kohya}.lora_down.weight`, `${kohya}.lora_up.weight`];
        expect(copy.tensors.get(down)).toEqual(original.tensors.get(`${kohya}.lora_down.weight`));
        expect(copy.tensors.get(up)).toEqual(original.tensors.get(`${kohya}.lora_up.weight`));
        const alpha = copy.tensors.get(`${kohya}.alpha`);
        expect(alpha).toEqual(
          dialect === "peft" ? undefined : original.tensors.get(`${kohya}.alpha`),
        );
      }
      expect(copy.metadata["ss_network_alpha"]).toBe(String(smallAlpha));
      if (dialect !== "peft") continue;
      const config: unknown = JSON.parse(copy.metadata["lora_adapter_metadata"] ?? "");
      expect(config).toMatchObject({
        "unet.r": smallRank,
        "unet.lora_alpha": smallAlpha,
        "text_encoder.lora_alpha": smallAlpha,
      });
    }
  });

  it("takes the tensors' hash from the library where it writes them as they were read", () => {
    const from = join(folder, "kohya-ordered.safetensors");
    const first = join(folder, "first.safetensors");
    writeSmallLora(from, 8);
    copyLoraFile({ path: from }, { ...options, to: first, dialect: "kohya", dtype: "f32" });
    const hashIn = (path: string) => readTensorFile(path).metadata["sshs_model_hash"];
    const to = join(folder, "second.safetensors");
    const again = (path: string, dialect: "kohya" | "peft") => {
      copyLoraFile({ path, dataSha256: "known" }, { ...options, to, dialect, dtype: "f32" });
      return hashIn(to);
    };
    expect(again(first, "kohya")).toBe("known");
    expect(readFileSync(to).subarray(-1000)).toEqual(readFileSync(first).subarray(-1000));
    // In another order, or without the alphas, they are hashed anew.
    copyLoraFile({ path: first }, { ...options, to, dialect: "peft", dtype: "f32" });
    const other = hashIn(to);
    expect(again(first, "peft")).toBe(other);
  });

  it("leaves to the reader what must be computed", () => {
    const from = join(folder, "source16.safetensors");
    writeSmallLora(from, 6);
    expect(
      copyLoraFile(
        { path: from },
        {
          ...options,
          to: join(folder, "x.safetensors"),
          dialect: "kohya",
          dtype: "f16",
        },
      ),
    ).toBeNull();
    const peft = join(folder, "peft.safetensors");
    copyLoraFile({ path: from }, { ...options, to: peft, dialect: "peft", dtype: "f32" });
    // Its alphas stand in the metadata.
    expect(
      copyLoraFile(
        { path: peft },
        {
          ...options,
          to: join(folder, "y.safetensors"),
          dialect: "kohya",
          dtype: "f32",
        },
      ),
    ).toBeNull();
  });

  it("agrees with the way through float32, alphas outside the tensors included", () => {
    const from = join(folder, "source7.safetensors");
    writeSmallLora(from, 7);
    const peft = join(folder, "peft7.safetensors");
    copyLoraFile({ path: from }, { ...options, to: peft, dialect: "peft", dtype: "f32" });
    const to = join(folder, "computed7.safetensors");
    writeLoraFile({ ...options, lora: openLora(peft), to, dialect: "kohya", dtype: "f32" });
    const original = readTensorFile(from);
    const computed = readTensorFile(to);
    for (const module of smallModules) {
      expect(
        relativeDifference(deltaOf(original, module, "kohya"), deltaOf(computed, module, "kohya")),
      ).toBeLessThan(1e-6);
    }
  });

  it("names the tensor that holds no number", () => {
    const from = join(folder, "nan.safetensors");
    const name = smallModules[0]?.kohya ?? "";
    const down = new Float32Array(640);
    down[333] = NaN;
    writeTensorFile(from, {
      [`${name}.lora_down.weight`]: { shape: [2, 320], values: down },
      [`${name}.lora_up.weight`]: { shape: [320, 2], values: new Float32Array(640) },
      [`${name}.alpha`]: { shape: [], values: [2] },
    });
    const copy = () =>
      copyLoraFile(
        { path: from },
        {
          ...options,
          to: join(folder, "z.safetensors"),
          dialect: "kohya",
          dtype: "f32",
        },
      );
    expect(copy).toThrow(
      expect.objectContaining({ code: "not-finite", field: `${name}.lora_down.weight` }),
    );
    expect(copy).toThrow(/index 333 of 640/);
  });
});
