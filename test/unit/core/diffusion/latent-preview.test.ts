/** Small pictures of latents: factors that are known are found again, and the published ones are given by size. */
import { describe, expect, it } from "vitest";
import {
  fitLatentPreview,
  latentPreview,
  previewLatents,
  publishedPreview,
} from "../../../../src-main/core/diffusion/latent-preview.ts";
import type { Planes } from "../../../../src-main/core/diffusion/planes.ts";
import { vaeConfigs } from "../../../../src-main/core/diffusion/vae-config.ts";

const factors = [
  [0.2, -0.1, 0.05],
  [0.02, 0.1, -0.03],
  [-0.1, 0.08, 0.1],
  [0.05, 0.05, -0.1],
];
const bias = [0.1, -0.05, 0.02];

/** Pixels that a decoder gives which does nothing but what a preview does, each 8 x 8 times. */
function decode({ shape, values }: Planes): Planes {
  const [n = 0, , height = 0, width = 0] = shape;
  const pixels = new Float32Array(n * 3 * 64 * height * width);
  for (let image = 0, to = 0; image < n; image++)
    for (let colour = 0; colour < 3; colour++)
      for (let y = 0; y < 8 * height; y++)
        for (let x = 0; x < 8 * width; x++, to++) {
          const at = Math.floor(y / 8) * width + Math.floor(x / 8);
          const sum = factors.reduce(
            (sum, row, channel) =>
              sum + (row[colour] ?? 0) * (values[(image * 4 + channel) * height * width + at] ?? 0),
            bias[colour] ?? 0,
          );
          // Detail that the means do not see.
          pixels[to] = sum + 0.01 * (-1) ** x;
        }
  return { shape: [n, 3, 8 * height, 8 * width], values: pixels };
}

describe("a fit", () => {
  it("finds the factors that pictures were made with", () => {
    const one = previewLatents(vaeConfigs.sdxl);
    expect(one.shape).toEqual([1, 4, 32, 32]);
    const values = Float32Array.from([...one.values, ...one.values.map((value) => value + 0.5)]);
    const two = { shape: [2, 4, 32, 32], values };
    const found = fitLatentPreview(two, decode(two));
    found.factors.forEach((row, channel) =>
      row.forEach((value, colour) => {
        expect(value).toBeCloseTo(factors[channel]?.[colour] ?? 0, 2);
      }),
    );
    found.bias.forEach((value, colour) => expect(value).toBeCloseTo(bias[colour] ?? 0, 2));
  });

  it("leaves out a channel that does not vary", () => {
    const latents = previewLatents(vaeConfigs.sdxl, 16);
    latents.values.fill(3, 2 * 256, 3 * 256);
    const { factors: found } = fitLatentPreview(latents, decode(latents));
    expect(found[2]).toEqual([0, 0, 0]);
    expect(found.flat().every(Number.isFinite)).toBe(true);
  });
});

describe("a preview", () => {
  it("has a pixel for each of the latent, cut at black and white", () => {
    const values = Float32Array.from([0, 100, 0, -100, 0, 0, 0, 0]);
    const preview = latentPreview({ shape: [1, 4, 1, 2], values }, { factors, bias });
    expect(preview).toMatchObject({ width: 2, height: 1 });
    const grey = bias.map((value) => Math.floor(((value + 1) / 2) * 255));
    expect(Array.from(preview.bytes)).toEqual([...grey, 255, 0, 255]);
  });

  it("takes the published factors for the published sizes only", () => {
    const [first] = publishedPreview("sdxl", vaeConfigs.sdxl)?.factors ?? [];
    expect(first).toEqual([0.3651, 0.4232, 0.4341]);
    const tiny = { ...vaeConfigs.sd15, channels: [32, 32, 64, 64] };
    expect(publishedPreview("sd15", tiny)).toBeUndefined();
  });
});
