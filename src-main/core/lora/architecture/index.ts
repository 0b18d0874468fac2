/** The canonical layout: every module of a family that a LoRA may adapt, in architecture order. */
import type { Family, ModuleShape } from "../lora.ts";
import { clipModules, textEncoders } from "./clip.ts";
import { unetModules } from "./unet.ts";

const layouts = new Map<Family, readonly ModuleShape[]>();

/** UNet, then text encoders; within each the order that unet.ts and clip.ts document. The same array every time. */
export function modulesOf(family: Family): readonly ModuleShape[] {
  let modules = layouts.get(family);
  if (modules === undefined) {
    modules = [
      ...unetModules(family),
      ...textEncoders(family).flatMap((encoder) => clipModules(encoder)),
    ];
    layouts.set(family, modules);
  }
  return modules;
}
