/** Which modules of a LoRA a model has, and whether their numbers are numbers, before any of them reaches a picture. */
import { FacetError } from "../errors.ts";
import { componentOf } from "./architecture/names.ts";
import type { Lora, LoraModule, ModuleShape } from "./lora.ts";

/**
 * Modules of the LoRA by path, without those that the model lacks or has in another shape. Throws `layout-mismatch`
 * where that leaves nothing of the UNet or of all that it has, and `not-finite`; both name module and numbers.
 */
export function fittingModules(
  lora: Lora,
  name: string,
  model: ReadonlyMap<string, ModuleShape>,
): Map<string, LoraModule> {
  const fitting = new Map<string, LoraModule>();
  for (const module of lora.modules) {
    if (fits(module, model.get(module.path))) fitting.set(module.path, module);
  }
  const unet = lora.modules.filter(({ path }) => componentOf(path).component === "unet");
  const core = unet.length > 0 ? unet : lora.modules;
  const [first] = core;
  if (first && !core.some(({ path }) => fitting.has(path))) {
    const { path } = first;
    const expected = model.get(path);
    throw new FacetError(
      "layout-mismatch",
      `${name} is for another family or size of model: ${path} is ${expected ? shapeText(expected) : "not there"} in this model and ${shapeText(first)} in the LoRA, and none of its other ${String(core.length - 1)} modules fits. Choose a model that it was made for.`,
      { path: name, field: path },
    );
  }
  for (const module of fitting.values()) {
    checkFinite(name, module, "down", module.down);
    checkFinite(name, module, "up", module.up);
    if (module.magnitude) checkFinite(name, module, "magnitude", module.magnitude.values);
  }
  return fitting;
}

function fits(module: ModuleShape, expected: ModuleShape | undefined): boolean {
  return (
    expected !== undefined &&
    module.out === expected.out &&
    module.in === expected.in &&
    module.kernel.every((size, axis) => size === expected.kernel[axis])
  );
}

function shapeText({ out, in: inputs, kernel }: ModuleShape): string {
  const taps = kernel.every((size) => size === 1) ? [] : kernel;
  return `[${[out, inputs, ...taps].join(", ")}]`;
}

function checkFinite(
  name: string,
  { path }: ModuleShape,
  matrix: string,
  values: Float32Array,
): void {
  const at = firstNotFinite(values);
  if (at === undefined) return;
  throw new FacetError(
    "not-finite",
    `${name}: ${path} has ${String(values[at])} at place ${String(at)} of its ${matrix} matrix. The file is damaged or its training broke off: make it again or leave it out.`,
    { path: name, field: path },
  );
}

/** By the bits of the exponent: tens of millions of numbers are looked through before a picture. */
function firstNotFinite(values: Float32Array): number | undefined {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let at = 0; at < bits.length; at++) {
    if (((bits[at] as number) & 0x7f80_0000) === 0x7f80_0000) return at;
  }
  return undefined;
}
