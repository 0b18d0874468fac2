/** The whole UNet of a family as a graph over a checkpoint's byte ranges, without the checkpoint. */
import { unet } from "../../../src-main/core/diffusion/unet.ts";
import { type Family, unetConfigs } from "../../../src-main/core/diffusion/unet-config.ts";
import { input, weight } from "../../../src-main/core/graph/build/index.ts";
import { symbol, times } from "../../../src-main/core/graph/dimension.ts";
import { type Graph, graphOf } from "../../../src-main/core/graph/node.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";

export function wholeUnet(family: Family): {
  graph: Graph;
  weights: ReadonlyMap<string, readonly number[]>;
} {
  const config = unetConfigs[family];
  const weights = new Map<string, readonly number[]>();
  let offset = 0;
  // Sizes that every downsampler halves.
  const multiple = 2 ** (config.channels.length - 1);
  const side = (name: string) => times(symbol(name), multiple);
  const noise = unet(
    config,
    (name, shape) => {
      weights.set(name, shape);
      const length = 2 * elementCount(shape);
      offset += length;
      const range = { path: "model.safetensors", offset: offset - length, length };
      return weight(name, shape, { ...range, kind: "file" }, "F16");
    },
    {
      latent: input("latent", ["batch", 4, side("rows"), side("columns")], "F16"),
      times: input("times", ["batch"]),
      context: input("context", ["batch", "tokens", config.context], "F16"),
      ...(config.addition === undefined
        ? {}
        : {
            addition: {
              pooled: input("pooled", ["batch", 1280], "F16"),
              sizes: input("sizes", ["batch", 6]),
            },
          }),
    },
  );
  return { graph: graphOf({ noise }), weights };
}
