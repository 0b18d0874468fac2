/** The networks of a model as graphs over its files: what a session is opened for. */
import type { Checkpoint } from "../../core/checkpoint/checkpoint.ts";
import { checkpointParameters } from "../../core/checkpoint/parameters.ts";
import { clipInputs, clipTextModel } from "../../core/diffusion/clip.ts";
import type { ClipConfig } from "../../core/diffusion/clip-config.ts";
import { lowRankInputs } from "../../core/diffusion/low-rank.ts";
import type { Layer } from "../../core/diffusion/text/skip.ts";
import { unet } from "../../core/diffusion/unet.ts";
import { vaeDecoder } from "../../core/diffusion/vae.ts";
import type { VaeConfig } from "../../core/diffusion/vae-config.ts";
import { assert } from "../../core/errors.ts";
import { cast, input } from "../../core/graph/build/index.ts";
import { symbol, times } from "../../core/graph/dimension.ts";
import { type Graph, graphOf, type Node } from "../../core/graph/node.ts";
import type { Tensor } from "../tensors.ts";

/** The type in which a network is computed; what crosses a session's border is F32 either way. */
export type Compute = "F32" | "F16";

/** How weights are changed at each run: not at all, by low rank, or also by DoRA's scales. */
export type Adapted = "low-rank" | "scaled";

/** What LoRAs feed a network with. */
export interface NetworkFeeds {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly adapted: Adapted;
  /** Of the ranks' symbols. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Latent sides must be multiples of this: every level of the UNet halves them. */
export function latentMultiple({ config }: Checkpoint): number {
  return 2 ** (config.unet.channels.length - 1);
}

/** `latent` [batch, 4, h, w], `times` [batch], `context`, SDXL's `pooled` and `sizes` -> `prediction`. */
export function unetGraph(checkpoint: Checkpoint, compute: Compute, adapted: Adapted): Graph {
  const { unet: config } = checkpoint.config;
  const multiple = latentMultiple(checkpoint);
  const side = (name: string) => times(symbol(name), multiple);
  const given = (name: string, shape: Parameters<typeof input>[1]) =>
    typed(input(name, shape), compute);
  const parameters = lowRankInputs(checkpointParameters(checkpoint, "unet", compute), "unet", {
    dtype: compute,
    scaled: adapted === "scaled",
  });
  const pooled = checkpoint.config.textEncoders.at(-1)?.projection;
  const prediction = unet(config, parameters, {
    latent: given("latent", ["batch", 4, side("rows"), side("columns")]),
    times: input("times", ["batch"]),
    context: given("context", ["batch", "tokens", config.context]),
    ...(config.addition === undefined || pooled === undefined
      ? {}
      : {
          addition: {
            pooled: given("pooled", ["batch", pooled]),
            sizes: input("sizes", ["batch", 6]),
          },
        }),
  });
  return graphOf({ prediction: typed(prediction, "F32") });
}

/** `ids`, `extra`, `ends` -> `hidden` of the layer, and `pooled` of an encoder that has a projection. */
export function textGraph(
  checkpoint: Checkpoint,
  config: ClipConfig,
  layer: Layer,
  compute: Compute,
  adapted: Adapted,
): Graph {
  const parameters = lowRankInputs(
    checkpointParameters(checkpoint, config.component, compute),
    config.component,
    { dtype: compute, scaled: adapted === "scaled" },
  );
  const { hidden, pooled, normalized } = clipTextModel(config, parameters, clipInputs(config));
  const state = hidden[layer.index];
  assert(state !== undefined, `${config.component} has no layer ${layer.index}`);
  return graphOf({
    hidden: typed(layer.normalized ? normalized(state) : state, "F32"),
    ...(config.projection === undefined ? {} : { pooled: typed(pooled, "F32") }),
  });
}

/** `latents` [batch, 4, rows, columns] in the VAE's own units -> `pixels`. */
export function decoderGraph(checkpoint: Checkpoint, config: VaeConfig, compute: Compute): Graph {
  const parameters = checkpointParameters(checkpoint, "vae", compute);
  const latents = typed(
    input("latents", ["batch", config.latentChannels, "rows", "columns"]),
    compute,
  );
  return graphOf({ pixels: typed(vaeDecoder(config, parameters, latents), "F32") });
}

function typed(node: Node, dtype: Compute): Node {
  return node.dtype === dtype ? node : cast(node, dtype);
}
