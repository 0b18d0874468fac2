/** The canonical layout against the census and the tables of the format reference. */
import { describe, expect, it } from "vitest";
import { modulesOf } from "../../../src-main/core/lora/architecture/index.ts";
import { componentOf, flatten, ldmPath } from "../../../src-main/core/lora/architecture/names.ts";
import type { Family, ModuleShape } from "../../../src-main/core/lora/lora.ts";
import { allNames } from "../../support/naming.ts";

function unet(family: Family): ModuleShape[] {
  return modulesOf(family).filter(({ path }) => path.startsWith("unet."));
}

/** Parameters per unit of rank. */
function weight(modules: readonly ModuleShape[]): number {
  return modules.reduce(
    (sum, module) => sum + module.in * module.kernel[0] * module.kernel[1] + module.out,
    0,
  );
}

describe("census", () => {
  it("holds the published numbers of SDXL", () => {
    const attention = unet("sdxl").filter(({ path }) => path.includes(".attentions."));
    expect(attention).toHaveLength(722);
    expect(weight(attention)).toBe(2_659_840);
    const inner = attention.filter(({ path }) => /\.attn[12]\./.test(path));
    expect(inner).toHaveLength(560);
    expect(weight(inner)).toBe(1_451_520);
    const outer = /^unet\.(conv_|time_embedding|add_embedding)/;
    expect(unet("sdxl").filter(({ path }) => !outer.test(path))).toHaveLength(788);
    const convolutions = unet("sdxl").filter(({ path }) => /\.conv[12]$/.test(path));
    expect(convolutions).toHaveLength(34);
    expect(unet("sdxl").filter(({ path }) => path.endsWith("time_emb_proj"))).toHaveLength(17);
    expect(unet("sdxl").filter(({ path }) => path.endsWith("conv_shortcut"))).toHaveLength(11);
    expect(unet("sdxl").filter(({ path }) => path.includes("samplers"))).toHaveLength(4);
  });

  it("holds the published numbers of the text encoders and of SD1.5", () => {
    const text = (family: Family, component: string): ModuleShape[] =>
      modulesOf(family).filter(({ path }) => path.startsWith(`${component}.text_model.`));
    for (const family of ["sdxl", "sd15"] as const) {
      expect(text(family, "text_encoder")).toHaveLength(72);
      expect(weight(text(family, "text_encoder"))).toBe(165_888);
    }
    expect(text("sdxl", "text_encoder_2")).toHaveLength(192);
    expect(weight(text("sdxl", "text_encoder_2"))).toBe(737_280);
    expect(unet("sd15").filter(({ path }) => path.includes(".attentions."))).toHaveLength(192);
    expect(modulesOf("sd15").some(({ path }) => path.startsWith("text_encoder_2"))).toBe(false);
  });
});

describe.each(["sdxl", "sd15"] as const)("%s against the second transcription", (family) => {
  const transcribed = allNames(family);

  it("has the same modules with the same shapes in the same order of blocks", () => {
    const expected = new Map(
      transcribed.map((module) => [
        `${module.component}.${module.diffusers}`,
        `${module.out} ${module.in} ${module.kernel} ${module.conv}`,
      ]),
    );
    const found = new Map(
      modulesOf(family).map((module) => [
        module.path,
        `${module.out} ${module.in} ${module.kernel[0]} ${module.conv}`,
      ]),
    );
    expect(found.size).toBe(modulesOf(family).length);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    // The transcription follows the tables, which follow execution, all but for what stands between blocks.
    const blocks = (paths: readonly string[]): string[] =>
      paths.filter((path) => path.includes(".transformer_blocks."));
    expect(blocks([...found.keys()])).toEqual(blocks([...expected.keys()]));
  });

  it("translates every UNet path to its ldm name, unique when flattened in both spellings", () => {
    const ldm = new Map(
      transcribed.map((module) => [`${module.component}.${module.diffusers}`, module.ldm]),
    );
    const sgm = new Set<string>();
    const diffusers = new Set<string>();
    for (const module of unet(family)) {
      const { path } = componentOf(module.path);
      expect(ldmPath(path, family)).toBe(ldm.get(module.path));
      sgm.add(flatten(ldmPath(path, family)));
      diffusers.add(flatten(path));
    }
    expect(sgm.size).toBe(unet(family).length);
    expect(diffusers.size).toBe(unet(family).length);
  });
});

it("lays modules out in execution order: down, mid, up, and resnet before its attention", () => {
  const paths = unet("sdxl").map(({ path }) => path.slice("unet.".length));
  const first = (prefix: string): number => paths.findIndex((path) => path.startsWith(prefix));
  const order = [
    "time_embedding",
    "add_embedding",
    "conv_in",
    "down_blocks.0.resnets.0",
    "down_blocks.0.downsamplers",
    "down_blocks.1.resnets.0",
    "down_blocks.1.attentions.0",
    "down_blocks.1.resnets.1",
    "down_blocks.1.attentions.1",
    "down_blocks.1.downsamplers",
    "mid_block.resnets.0",
    "mid_block.attentions.0",
    "mid_block.resnets.1",
    "up_blocks.0.resnets.0",
    "up_blocks.0.attentions.0",
    "up_blocks.0.upsamplers",
    "up_blocks.1.resnets.0",
    "conv_out",
  ].map(first);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(order[0]).toBe(0);
});
