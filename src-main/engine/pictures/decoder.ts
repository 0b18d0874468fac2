/** Latents to pixels: in tiles where memory is short, again in F32 where halves overflowed. */
import { isSpoilt } from "../../core/diffusion/pixels.ts";
import type { Planes } from "../../core/diffusion/planes.ts";
import { chooseTiling, decodeTiled } from "../../core/diffusion/vae-tiles.ts";
import { latentFactor } from "../../core/diffusion/vae-config.ts";
import { assert, FacetError } from "../../core/errors.ts";
import { estimateMemory } from "../../core/graph/memory.ts";
import { machineMemory } from "../machine-memory.ts";
import type { MountedModel } from "./mounted-model.ts";

/** Of what is free: the rest is for what the estimate does not see. */
const memoryShare = 0.8;

export interface Decoded {
  /** [1, 3, height, width], -1..1 */
  readonly pixels: Planes;
  readonly notes: readonly string[];
}

/** `latents` as the UNet has them. Throws `not-finite` for what F32 does not save either. */
export async function decode(
  model: MountedModel,
  latents: Planes,
  check: () => Promise<void>,
): Promise<Decoded> {
  const { scale } = model.vae;
  const own = { shape: latents.shape, values: latents.values.map((value) => value / scale) };
  const first = await decodeIn(model, own, false, check);
  const spoilt = isSpoilt(first.pixels);
  if (spoilt === false) return first;
  if (model.vaeCompute === "F32") {
    if (spoilt === "one-colour") {
      return { ...first, notes: [...first.notes, "The picture is of one colour."] };
    }
    throw new FacetError(
      "not-finite",
      `The VAE of "${model.checkpoint.path}" gave values that are no numbers. Choose another VAE for it, or copy the file again.`,
      { path: model.checkpoint.path, field: "vae" },
    );
  }
  const again = await decodeIn(model, own, true, check);
  if (isSpoilt(again.pixels) === "not-finite") {
    throw new FacetError(
      "not-finite",
      `The VAE of "${model.checkpoint.path}" gave values that are no numbers, in F32 too. Choose another VAE for it.`,
      { path: model.checkpoint.path, field: "vae" },
    );
  }
  return {
    ...again,
    notes: [...again.notes, "Half precision overflowed in the VAE; it was decoded again in F32."],
  };
}

async function decodeIn(
  model: MountedModel,
  latents: Planes,
  safe: boolean,
  check: () => Promise<void>,
): Promise<Decoded> {
  const compute = safe ? "F32" : model.vaeCompute;
  const [, , rows = 0, columns = 0] = latents.shape;
  const sizesOf = (height: number, width: number) =>
    new Map([
      ["batch", 1],
      ["rows", height],
      ["columns", width],
    ]);
  const factor = latentFactor(model.vae);
  const graph = model.decoderGraph(compute);
  const tiling = chooseTiling({
    rows,
    columns,
    factor,
    budget: machineMemory().freeBytes * memoryShare,
    estimate: (height, width) =>
      estimateMemory(graph, { sizes: sizesOf(height, width), wideHalves: true }).total,
  });
  using opened = await model.decoder(sizesOf(tiling.rows, tiling.columns), safe);
  let tiles = 1;
  const pixels = await decodeTiled(latents, tiling, {
    factor,
    run: async (tile) => {
      await check();
      const { pixels } = await opened.session.run({
        latents: { shape: [...tile.shape], values: tile.values },
      });
      assert(pixels?.values instanceof Float32Array, "pixels are F32");
      return { shape: pixels.shape, values: pixels.values };
    },
    onTile: (_, of) => {
      tiles = of;
    },
  });
  const notes = tiles === 1 ? [] : [`Memory was short: decoded in ${tiles} tiles.`];
  return { pixels, notes };
}
