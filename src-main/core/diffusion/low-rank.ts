/** LoRAs as inputs of a network: every Linear and convolution takes two matrices more, of a rank that each run chooses. */
import { cast, input, multiply } from "../graph/build/index.ts";
import { type Parameters, withAdapter } from "../graph/layers/index.ts";
import type { Node } from "../graph/node.ts";
import type { GraphDType } from "../graph/operators.ts";
import type { Component } from "../lora/architecture/clip.ts";

export interface LowRankOptions {
  /** In which the network computes; the inputs are F32. */
  readonly dtype?: Extract<GraphDType, "F32" | "F16" | "BF16">;
  /** Whether weights can be scaled as well, which DoRA does: it costs a pass over each layer's input and output. */
  readonly scaled?: boolean;
}

/** Names of a module's inputs; its path begins with the component, as in a LoRA. */
export function lowRankNames(path: string) {
  return {
    /** [rank, in], of kernels above 1x1 [rank, in, height, width] */
    down: `down ${path}`,
    /** [out, rank] */
    up: `up ${path}`,
    /** [rank]: factors of up's columns */
    strength: `strength ${path}`,
    /** [out] */
    scale: `scale ${path}`,
    /** [in] */
    scaleIn: `scale in ${path}`,
    /** The symbol in their shapes. */
    rank: `rank_of_${path.replaceAll(/\W/g, "_")}`,
  };
}

/** The parameters, with an adapter beside each weight. Rank 0 is legal on the CPU, where it costs next to nothing. */
export function lowRankInputs(
  parameters: Parameters,
  component: Component,
  { dtype = "F32", scaled = false }: LowRankOptions = {},
): Parameters {
  const given = (name: string, shape: readonly (number | string)[]): Node => {
    const node = input(name, shape);
    return dtype === "F32" ? node : cast(node, dtype);
  };
  return withAdapter(parameters, (weight, [out = 0, inputs = 0, ...kernel]) => {
    const names = lowRankNames(`${component}.${weight.replace(/\.weight$/, "")}`);
    const taps = kernel.every((size) => size === 1) ? [] : kernel;
    return {
      down: given(names.down, [names.rank, inputs, ...taps]),
      up: multiply(given(names.up, [out, names.rank]), given(names.strength, [names.rank])),
      scale: scaled
        ? { out: given(names.scale, [out]), in: given(names.scaleIn, [inputs]) }
        : undefined,
    };
  });
}
