/** Pictures that an overflow spoilt are told from good ones, and pixels become bytes. */
import { describe, expect, it } from "vitest";
import { isSpoilt, pixelBytes } from "../../../../src-main/core/diffusion/pixels.ts";
import type { Planes } from "../../../../src-main/core/diffusion/planes.ts";
import { vaeType } from "../../../../src-main/core/diffusion/vae-precision.ts";

function picture(value: (channel: number, index: number) => number, n = 1): Planes {
  const values = Float32Array.from({ length: n * 3 * 64 }, (_, index) =>
    value(Math.floor(index / 64) % 3, index),
  );
  return { shape: [n, 3, 8, 8], values };
}

describe("a picture", () => {
  it("is good where it shows anything", () => {
    expect(isSpoilt(picture((_, index) => Math.sin(index)))).toBe(false);
    // Black but for one place of one channel.
    expect(isSpoilt(picture((_, index) => (index === 100 ? -0.98 : -1)))).toBe(false);
  });

  it("is spoilt by a single number that is none", () => {
    for (const bad of [Number.NaN, Infinity, -Infinity])
      expect(isSpoilt(picture((_, index) => (index === 77 ? bad : Math.sin(index))))).toBe(
        "not-finite",
      );
  });

  it("is spoilt where it is black, or of one colour, beyond what bytes can show too", () => {
    expect(isSpoilt(picture(() => -1))).toBe("one-colour");
    expect(isSpoilt(picture((_, index) => -1 - index))).toBe("one-colour");
    expect(isSpoilt(picture((channel) => channel / 3))).toBe("one-colour");
    expect(isSpoilt(picture((_, index) => 0.2 + 1e-4 * Math.sin(index)))).toBe("one-colour");
  });

  it("is spoilt with one of a batch", () => {
    const second = picture((_, index) => (index < 192 ? Math.sin(index) : -1), 2);
    expect(isSpoilt(second)).toBe("one-colour");
  });

  it("of one pixel is one colour by nature", () => {
    expect(isSpoilt({ shape: [1, 3, 1, 1], values: new Float32Array(3) })).toBe(false);
  });
});

describe("bytes of pixels", () => {
  const shape = [1, 3, 1, 2];
  const values = Float32Array.from([-1, 1, -2, 2, 0, 0.9999]);

  it("lie by place, and are cut at black and white", () => {
    const bytes = pixelBytes({ shape, values }, "even");
    expect(Array.from(bytes)).toEqual([0, 0, 128, 255, 255, 255]);
  });

  it("are rounded as each convention rounds", () => {
    expect(Array.from(pixelBytes({ shape, values }, "down"))).toEqual([0, 0, 127, 255, 255, 254]);
  });
});

describe("the autoencoder is computed", () => {
  it("in F32 where halves gain nothing or may overflow", () => {
    expect(vaeType({ provider: "cpu", family: "sd15" })).toBe("F32");
    expect(vaeType({ provider: "cuda", family: "sdxl" })).toBe("F32");
    expect(vaeType({ provider: "webgpu", family: "sd15", forceUpcast: true })).toBe("F32");
  });

  it("in halves where it is known to fit them", () => {
    expect(vaeType({ provider: "cuda", family: "sdxl", forceUpcast: false })).toBe("F16");
    expect(vaeType({ provider: "webgpu", family: "sd15" })).toBe("F16");
  });
});
