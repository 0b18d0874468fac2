/** Guidance, held against diffusers' rescale_noise_cfg and ComfyUI's cfg_function. */
import { describe, expect, it } from "vitest";
import { guide, guides, type Guidance } from "../../../../../src-main/core/diffusion/guidance.ts";
import { samplerReferences } from "./references.ts";

const stored = samplerReferences("guidance");
const latent = stored.values("latent");
const conditional = stored.values("conditional");
const unconditional = stored.values("unconditional");
/** test/fixtures/samplers/make.py */
const sigma = 2.5;
const guidance: Guidance = {
  convention: "comfy",
  prediction: "epsilon",
  scale: 7,
  rescale: 0.7,
};

function expectClose(found: Float32Array, expected: Float32Array): void {
  expect(found).toHaveLength(expected.length);
  const worst = Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
  expect(worst / Math.max(...expected.map(Math.abs))).toBeLessThan(1e-6);
}

describe("rescaled guidance", () => {
  it.each(["epsilon", "velocity"] as const)(
    "is diffusers' on predicted %s as it is",
    (prediction) => {
      const asked = { ...guidance, convention: "diffusers", prediction } as const;
      expectClose(
        guide(asked, conditional, unconditional, { latent, sigma }),
        stored.values("diffusers"),
      );
    },
  );

  it.each(["epsilon", "velocity"] as const)(
    "is ComfyUI's in velocity, on predicted %s",
    (prediction) => {
      for (const [name, rescale] of [
        ["plain", 0],
        ["rescaled", guidance.rescale],
      ] as const) {
        const found = guide({ ...guidance, prediction, rescale }, conditional, unconditional, {
          latent,
          sigma,
        });
        // The picture that it makes, as ComfyUI gives it (calculate_denoised).
        const size = Math.hypot(1, sigma);
        const picture = found.map((value, i) =>
          prediction === "epsilon"
            ? (latent[i] ?? 0) * size - sigma * value
            : (latent[i] ?? 0) / size - (sigma / size) * value,
        );
        expectClose(picture, stored.values(`comfy ${prediction} ${name}`));
      }
    },
  );

  it("at 1 has the deviation of the conditional prediction", () => {
    const asked = { ...guidance, prediction: "velocity", rescale: 1 } as const;
    const found = guide(asked, conditional, unconditional, { latent, sigma });
    const deviation = (values: Float32Array): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    };
    expect(deviation(found) / deviation(conditional)).toBeCloseTo(1, 6);
  });
});

it("the unconditional prediction is left out where it has no part", () => {
  expect(guides({ convention: "comfy", scale: 1 })).toBe(false);
  expect(guides({ convention: "comfy", scale: 0 })).toBe(true);
  expect(guides({ convention: "comfy", scale: 1.5 })).toBe(true);
  expect(guides({ convention: "diffusers", scale: 1 })).toBe(false);
  expect(guides({ convention: "diffusers", scale: 0 })).toBe(false);
  expect(guides({ convention: "diffusers", scale: 1.5 })).toBe(true);
});
