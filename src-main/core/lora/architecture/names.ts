/** Translates module paths between diffusers and ldm/sgm, and builds the look-up tables that dialects read keys by. */
import { assert } from "../../errors.ts";
import type { Family, ModuleShape } from "../lora.ts";
import type { Component } from "./clip.ts";
import { modulesOf } from "./index.ts";

/** Inside a resnet, diffusers to ldm; inside an attention both are the same (formats.md 2.1). */
const resnetNames = new Map([
  ["norm1", "in_layers.0"],
  ["conv1", "in_layers.2"],
  ["time_emb_proj", "emb_layers.1"],
  ["norm2", "out_layers.0"],
  ["conv2", "out_layers.3"],
  ["conv_shortcut", "skip_connection"],
]);

const outerNames = new Map([
  ["conv_in", "input_blocks.0.0"],
  ["conv_norm_out", "out.0"],
  ["conv_out", "out.2"],
  ["time_embedding.linear_1", "time_embed.0"],
  ["time_embedding.linear_2", "time_embed.2"],
  ["add_embedding.linear_1", "label_emb.0.0"],
  ["add_embedding.linear_2", "label_emb.0.2"],
]);

/** Path of a UNet module below `unet.` in ldm/sgm names: those of `unetModules`, and the norms beside them. */
export function ldmPath(path: string, family: Family): string {
  const outer = outerNames.get(path);
  if (outer !== undefined) return outer;
  const parts = path.split(".");
  if (parts[0] === "mid_block") {
    const [, kind, index, ...rest] = parts;
    if (kind === "attentions") return ["middle_block.1", ...rest].join(".");
    return `middle_block.${2 * Number(index)}.${resnetName(rest)}`;
  }
  const [direction, blockText, kind, layerText, ...rest] = parts;
  const block = Number(blockText);
  const layer = Number(layerText);
  if (direction === "down_blocks") {
    if (kind === "downsamplers") return `input_blocks.${3 * (block + 1)}.0.op`;
    const prefix = `input_blocks.${3 * block + layer + 1}`;
    return kind === "attentions"
      ? [prefix, "1", ...rest].join(".")
      : `${prefix}.0.${resnetName(rest)}`;
  }
  assert(direction === "up_blocks", `no ldm name for ${path}`);
  if (kind === "upsamplers") {
    // Stands behind the attention where the block has one; SD1.5's innermost block has none.
    return `output_blocks.${3 * block + 2}.${family === "sd15" && block === 0 ? 1 : 2}.conv`;
  }
  const prefix = `output_blocks.${3 * block + layer}`;
  return kind === "attentions"
    ? [prefix, "1", ...rest].join(".")
    : `${prefix}.0.${resnetName(rest)}`;
}

function resnetName(rest: readonly string[]): string {
  const name = resnetNames.get(rest.join("."));
  assert(name !== undefined, `no ldm name for ${rest.join(".")} in a resnet`);
  return name;
}

/** kohya's flattening. Not invertible (`to_q` has an underscore of its own): go back by a table only. */
export function flatten(path: string): string {
  return path.replaceAll(".", "_");
}

/** Where a name points: index into `modulesOf` of each family, or -1 where that family has no such module. */
export interface Place {
  readonly sdxl: number;
  readonly sd15: number;
}

export type NameTable = ReadonlyMap<string, Place>;

/** One module as spelling rules see it. */
export interface Named {
  readonly family: Family;
  readonly component: Component;
  /** Diffusers path below the component. */
  readonly path: string;
  readonly module: ModuleShape;
}

/** Splits the component off a canonical path. */
export function componentOf(path: string): { component: Component; path: string } {
  const dot = path.indexOf(".");
  const component = path.slice(0, dot);
  assert(
    component === "unet" || component === "text_encoder" || component === "text_encoder_2",
    `no component in ${path}`,
  );
  return { component, path: path.slice(dot + 1) };
}

/** Table of every spelling that `spell` gives to a module, over both families. Two modules never share a name. */
export function nameTable(spell: (named: Named) => readonly string[]): NameTable {
  const table = new Map<string, { sdxl: number; sd15: number }>();
  for (const family of ["sdxl", "sd15"] as const) {
    modulesOf(family).forEach((module, index) => {
      for (const name of spell({ family, module, ...componentOf(module.path) })) {
        const place = table.get(name) ?? { sdxl: -1, sd15: -1 };
        assert(
          place[family] === -1 || place[family] === index,
          `two ${family} modules named ${name}`,
        );
        place[family] = index;
        table.set(name, place);
      }
    });
  }
  return table;
}
