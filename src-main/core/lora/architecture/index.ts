/** The canonical layout: every module of a model that a LoRA may adapt, in architecture order. */
import { type ModelConfig, publishedModel } from "../../diffusion/model-config.ts";
import type { Family, ModuleShape } from "../lora.ts";
import { clipModules } from "./clip.ts";
import { unetModules } from "./unet.ts";

const layouts = new Map<Family, readonly ModuleShape[]>();

/** Of a family as it is published; the same array every time. */
export function modulesOf(family: Family): readonly ModuleShape[] {
  let modules = layouts.get(family);
  if (modules === undefined) {
    modules = modelModules(publishedModel(family));
    layouts.set(family, modules);
  }
  return modules;
}

/** UNet, then text encoders; within each the order that unet.ts and clip.ts document. */
export function modelModules({
  unet,
  textEncoders,
}: Pick<ModelConfig, "unet" | "textEncoders">): ModuleShape[] {
  return [...unetModules(unet), ...textEncoders.flatMap((encoder) => clipModules(encoder))];
}
