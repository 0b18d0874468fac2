/** Texts in PNG files: what others wrote is read, what is written others read, and damage is named. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import { readChunks, writeChunks } from "../../../../src-main/core/formats/png/chunks.ts";
import { crc32 } from "../../../../src-main/core/formats/png/crc.ts";
import { asciiJson, readPngText, withPngText } from "../../../../src-main/core/formats/png/text.ts";

const ofPillow = new Uint8Array(
  readFileSync(join(import.meta.dirname, "../../../fixtures/png/pillow.png")),
);

function failure(of: () => unknown): FacetError {
  try {
    of();
  } catch (error) {
    if (error instanceof FacetError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the checksum", () => {
  it("is that of the standard's own example", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });
});

describe("a picture that Pillow wrote", () => {
  it("is read, its compressed texts passed over", () => {
    const texts = readPngText(ofPillow);
    expect(Array.from(texts.keys())).toEqual(["prompt", "latin", "parameters"]);
    expect(texts.get("latin")).toBe("naïve");
    expect(texts.get("parameters")).toBe("портрет 🎨\nNegative prompt: плохо\nSteps: 20");
    expect(JSON.parse(texts.get("prompt") ?? "")).toMatchObject({
      1: { inputs: { text: "Zoë 🎨" } },
    });
  });

  it("is written again as it was", () => {
    expect(writeChunks(readChunks(ofPillow))).toEqual(ofPillow);
  });

  it("lies anywhere in its memory", () => {
    const moved = new Uint8Array(ofPillow.length + 3);
    moved.set(ofPillow, 3);
    expect(readPngText(moved.subarray(3))).toEqual(readPngText(ofPillow));
  });
});

describe("texts", () => {
  it("are read by libvips beside the same pixels", async () => {
    const raw = { raw: { width: 3, height: 2, channels: 3 as const } };
    const pixels = Buffer.from(Array.from({ length: 18 }, (_, index) => index * 14));
    const bare = new Uint8Array(await sharp(pixels, raw).png().toBuffer());
    const texts = new Map([
      ["parameters", "ein Mädchen, 肖像 🎨\nSteps: 20"],
      ["prompt", asciiJson({ text: "肖像 🎨" })],
    ]);
    const written = withPngText(bare, texts);
    const found = await sharp(written).metadata();
    const comments = new Map(found.comments?.map(({ keyword, text }) => [keyword, text]));
    expect(comments.get("parameters")).toBe(texts.get("parameters"));
    expect(comments.get("prompt")).toBe('{"text":"\\u8096\\u50cf \\ud83c\\udfa8"}');
    expect(await sharp(written).raw().toBuffer()).toEqual(pixels);
    expect(readChunks(written).map(({ type }) => type)).toEqual([
      ...readChunks(bare)
        .map(({ type }) => type)
        .filter((type) => type !== "IDAT" && type !== "IEND"),
      "iTXt",
      "tEXt",
      "IDAT",
      "IEND",
    ]);
  });

  it("take the place of those with their keywords", () => {
    const again = withPngText(ofPillow, new Map([["parameters", "new"]]));
    expect(readPngText(again).get("parameters")).toBe("new");
    expect(readPngText(again).get("latin")).toBe("naïve");
    expect(readChunks(again)).toHaveLength(readChunks(ofPillow).length);
  });

  it("of any kind come back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const plain = text.replaceAll("\0", "");
        const written = withPngText(ofPillow, new Map([["facet", text]]));
        expect(readPngText(written).get("facet")).toBe(plain);
        expect(JSON.parse(asciiJson({ text }))).toEqual({ text });
        expect(/^[ -~]*$/.test(asciiJson(text))).toBe(true);
      }),
    );
  });

  it("have keywords that PNG allows", () => {
    for (const keyword of ["", " x", "naïve", "x".repeat(80)])
      expect(() => withPngText(ofPillow, new Map([[keyword, "x"]]))).toThrow(/no keyword/);
  });
});

describe("a damaged file", () => {
  it("is told from one that is no PNG", () => {
    expect(failure(() => readPngText(new Uint8Array(100), "x.png"))).toMatchObject({
      code: "malformed",
      path: "x.png",
    });
  });

  it("is named with the chunk and the place", () => {
    const flipped = Uint8Array.from(ofPillow);
    const at = Buffer.from(flipped).indexOf("latin");
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    const { code, message, field } = failure(() => readPngText(flipped));
    expect([code, field]).toEqual(["malformed", "tEXt"]);
    expect(message).toContain(`at byte ${at - 8}`);
  });

  it("that ends too soon is named wherever it ends", () => {
    for (let length = 8; length < ofPillow.length; length++)
      expect(failure(() => readPngText(ofPillow.subarray(0, length))).code).toBe("truncated");
  });
});
