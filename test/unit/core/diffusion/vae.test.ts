/** The published autoencoders as graphs: what they ask for, and what a run of them holds. */
import { describe, expect, it } from "vitest";
import { vaeDecoder, vaeEncoder } from "../../../../src-main/core/diffusion/vae.ts";
import { vaeConfigs } from "../../../../src-main/core/diffusion/vae-config.ts";
import { input } from "../../../../src-main/core/graph/build/index.ts";
import { symbol, times } from "../../../../src-main/core/graph/dimension.ts";
import type { Parameters } from "../../../../src-main/core/graph/layers/index.ts";
import { estimateMemory } from "../../../../src-main/core/graph/memory.ts";
import { graphOf } from "../../../../src-main/core/graph/node.ts";
import { shapeText } from "../../../../src-main/core/graph/shape.ts";
import { elementCount } from "../../../../src-main/core/tensor/dtype.ts";

function whole() {
  const shapes = new Map<string, readonly number[]>();
  const parameters: Parameters = (name, shape) => {
    shapes.set(name, shape);
    return input(name, shape);
  };
  const config = vaeConfigs.sdxl;
  const pixels = input("pixels", [
    "batch",
    3,
    times(symbol("rows"), 8),
    times(symbol("columns"), 8),
  ]);
  const encoded = vaeEncoder(config, parameters, pixels);
  const decoded = vaeDecoder(config, parameters, input("latents", ["batch", 4, "rows", "columns"]));
  return { shapes, encoded, decoded };
}

describe("the published autoencoder", () => {
  it("asks for the parameters that its checkpoints have", () => {
    const { shapes } = whole();
    // madebyollin/sdxl-vae-fp16-fix, stabilityai/sd-vae-ft-mse: 248 tensors.
    expect(shapes.size).toBe(248);
    const total = Array.from(shapes.values()).reduce((sum, shape) => sum + elementCount(shape), 0);
    expect(total).toBe(83_653_863);
    expect(shapes.get("decoder.up_blocks.2.resnets.0.conv_shortcut.weight")).toEqual([
      256, 512, 1, 1,
    ]);
    expect(shapes.get("encoder.mid_block.attentions.0.to_out.0.bias")).toEqual([512]);
  });

  it("gives an eighth of the size, and eight times it", () => {
    const { encoded, decoded } = whole();
    expect(shapeText(encoded.mean.shape)).toBe("[batch, 4, rows, columns]");
    expect(shapeText(encoded.logVariance.shape)).toBe("[batch, 4, rows, columns]");
    expect(shapeText(decoded.shape)).toBe("[batch, 3, 8 * rows, 8 * columns]");
  });

  it("needs the most memory for its largest pixels, and for the scores of its attention beyond 2048", () => {
    const { decoded } = whole();
    const at = (side: number) => {
      const sizes = Object.entries({ batch: 1, rows: side, columns: side });
      return estimateMemory(graphOf({ decoded }), { sizes: new Map(sizes) });
    };
    // Measured beside it, by the size of the process: 1.06 GB at 512 x 512 pixels, 3.1 GB at 1024 x 1024.
    const gigabyte = 2 ** 30;
    expect(at(64).live / gigabyte).toBeCloseTo(0.94, 1);
    expect(at(128).live / gigabyte).toBeCloseTo(3.75, 1);
    expect(at(128).at).toMatch(/^normalize/);
    expect(at(256).at).toBe("attention F32 [1, 1, 65536, 512]");
    // Once, in F32: 65,536 squared.
    expect(at(256).live / gigabyte / 1.5).toBeGreaterThan(16);
    expect(at(256).live / gigabyte / 1.5).toBeLessThan(18);
  });
});
