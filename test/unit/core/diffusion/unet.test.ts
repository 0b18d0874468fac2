/** The two UNets as graphs, held against the published counts and the list of modules that LoRAs adapt. */
import { describe, expect, it } from "vitest";
import { shapeText } from "../../../../src-main/core/graph/shape.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";
import { modulesOf } from "../../../../src-main/core/lora/architecture/index.ts";
import { elementCount } from "../../../../src-main/core/tensor/dtype.ts";
import { wholeUnet } from "../../../support/diffusion/whole-unet.ts";

describe.each([
  // formats.md 5.1
  { family: "sdxl", parameters: 2_567_463_684, tensors: 1680 },
  { family: "sd15", parameters: 859_520_964, tensors: 686 },
] as const)("$family", ({ family, parameters, tensors }) => {
  const { graph, weights } = wholeUnet(family);

  it("has the published number of parameters and tensors", () => {
    const counts = Array.from(weights.values(), elementCount);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(parameters);
    expect(weights.size).toBe(tensors);
  });

  it("has a weight of the right shape for every module that a LoRA can adapt", () => {
    const modules = modulesOf(family).filter(({ path }) => path.startsWith("unet."));
    for (const { path, out, in: inputs, kernel, conv } of modules) {
      const shape = conv ? [out, inputs, ...kernel] : [out, inputs];
      expect(weights.get(`${path.slice("unet.".length)}.weight`), path).toEqual(shape);
    }
    expect(modules.length).toBeGreaterThan(280);
  });

  it("is a legal graph that gives what it is given", () => {
    verifyGraph(graph);
    const factor = family === "sdxl" ? 4 : 8;
    expect(shapeText(graph.outputs.get("noise")?.shape ?? [])).toBe(
      `[batch, 4, ${factor} * rows, ${factor} * columns]`,
    );
  });
});
