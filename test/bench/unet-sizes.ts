/** UNets of SDXL's shape that are measured, as graphs over a file of random weights. */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lowRankInputs, lowRankNames } from "../../src-main/core/diffusion/low-rank.ts";
import { unet } from "../../src-main/core/diffusion/unet.ts";
import type { UnetConfig } from "../../src-main/core/diffusion/unet-config.ts";
import { input, weight } from "../../src-main/core/graph/build/index.ts";
import type { Parameters } from "../../src-main/core/graph/layers/index.ts";
import { type Graph, graphOf } from "../../src-main/core/graph/node.ts";
import { unetModules } from "../../src-main/core/lora/architecture/unet.ts";
import { elementCount } from "../../src-main/core/tensor/dtype.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import type { Tensor } from "../../src-main/engine/session.ts";

/** peers/unets.py has the same. */
export const sizes: Readonly<Record<string, UnetConfig>> = {
  tiny: sized([32, 64, 128], [0, 1, 2], [1, 1, 2], 96, 64),
  middle: sized([160, 320, 640], [0, 2, 4], [1, 5, 10], 2048, 1280),
  // SDXL's own widths, fewer layers.
  wide: sized([320, 640, 1280], [0, 1, 2], [5, 10, 20], 2048, 1280),
};

function sized(
  channels: readonly [number, number, number],
  depth: readonly number[],
  heads: readonly number[],
  context: number,
  pooled: number,
): UnetConfig {
  const [first] = channels;
  return {
    channels,
    depth,
    middleDepth: depth.at(-1) ?? 0,
    heads,
    context,
    linearProjection: true,
    addition: pooled + 6 * 256,
    time: 4 * first,
  };
}

const batch = 2;
const side = 64;
const tokens = 77;

export interface MeasuredOptions {
  /** Whether it takes LoRAs, and is fed one. */
  readonly live: boolean;
  /** Whether each weight has bytes of its own, as memory is to be told; else all are the beginning of one small file. */
  readonly apart: boolean;
}

/** The graph and what it is fed; the file of its weights is gone after `close`. */
export function measuredUnet(
  config: UnetConfig,
  { live, apart }: MeasuredOptions,
): { graph: Graph; feeds: Record<string, Tensor>; close: () => void } {
  const random = seededRandom(1);
  const drawn = (shape: readonly number[], scale: number) => {
    const values = new Float32Array(elementCount(shape));
    for (let at = 0; at < values.length; at++) values[at] = scale * (2 * random.uniform() - 1);
    return { shape, values };
  };
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  const path = join(folder, "weights.bin");
  let bytes = 0;
  const parameters: Parameters = (name, shape) => {
    const length = 4 * elementCount(shape);
    const offset = apart ? bytes : 0;
    bytes = Math.max(bytes, offset + length);
    return weight(name, shape, { kind: "file", path, offset, length });
  };

  const pooled = (config.addition ?? 0) - 6 * 256;
  const feeds: Record<string, Tensor> = {
    latent: drawn([batch, 4, side, side], 1),
    times: { shape: [batch], values: new Float32Array(batch).fill(500) },
    context: drawn([batch, tokens, config.context], 1),
    pooled: drawn([batch, pooled], 1),
    sizes: { shape: [batch, 6], values: new Float32Array(6 * batch).fill(512) },
  };
  const given = (name: string) => input(name, feeds[name]?.shape ?? []);
  const noise = unet(config, live ? lowRankInputs(parameters, "unet") : parameters, {
    latent: given("latent"),
    times: given("times"),
    context: given("context"),
    addition: { pooled: given("pooled"), sizes: given("sizes") },
  });
  if (live) Object.assign(feeds, attentionLora(config, drawn));
  const block = new Uint8Array(drawn([2 ** 20], 0.03).values.buffer);
  for (let at = 0; at < bytes; at += block.length) appendFileSync(path, block);
  return { graph: graphOf({ noise }), feeds, close: () => rmSync(folder, { recursive: true }) };
}

/** Rank 16 in the four projections of every attention, rank 0 elsewhere. */
function attentionLora(
  config: UnetConfig,
  drawn: (shape: readonly number[], scale: number) => Tensor,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const { path, out, in: inputs, kernel } of unetModules(config)) {
    const rank = /\.attn[12]\.to_/.test(path) ? 16 : 0;
    const names = lowRankNames(path);
    const taps = kernel.every((size) => size === 1) ? [] : kernel;
    feeds[names.down] = drawn([rank, inputs, ...taps], 0.03);
    feeds[names.up] = drawn([out, rank], 0.03);
    feeds[names.strength] = { shape: [rank], values: new Float32Array(rank).fill(1) };
  }
  return feeds;
}
