/** A slider move and a full decode in a space of 99,648 numbers and 1,000 components. */
import { openFactorSpace } from "../../src-main/core/spaces/factor-space.ts";
import type { SpaceRecord } from "../../src-main/core/spaces/space.ts";
import { LiveIdentity } from "../../src-main/engine/tasks/live.ts";
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { layoutOf } from "../../src-main/core/lora/flatten.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const components = 1000;

/** weights2weights' layout: to_q and to_v of both attentions in SD1.5's sixteen blocks, rank 1. */
function layout() {
  const modules = modulesOf("sd15").filter((module) =>
    /^unet.*\.attn[12]\.to_[qv]$/.test(module.path),
  );
  return layoutOf("sd15", modules, 1);
}

export function slider(_context: BenchContext): BenchResult[] {
  const flat = layout();
  const rows = Array.from({ length: components }, (_, row) =>
    new Float32Array(flat.dimension).map((__, at) => Math.sin(row * 7.1 + at * 0.37)),
  );
  const record: SpaceRecord = {
    version: 1,
    kind: "pca",
    form: "standard",
    family: "sd15",
    rank: 1,
    layout: flat,
    dimension: flat.dimension,
    components,
    members: [],
    explained: Array.from({ length: components }, () => 1 / components),
    sigma: Array.from({ length: components }, (_, at) => 1 / (1 + at)),
    retained: 1,
    componentsKept: [],
    standardised: false,
    suitability: [],
  };
  const space = openFactorSpace(record, {
    mean: new Float32Array(flat.dimension),
    scale: null,
    reference: new Float32Array(flat.dimension),
    component: (index) => rows[index] as Float32Array,
    memberCoordinates: new Float32Array(0),
  });
  const live = new LiveIdentity({ get: () => space });
  const point = Array.from({ length: components }, (_, at) => Math.cos(at));
  const decodes = Array.from({ length: 15 }, (_, at) => {
    point[0] = at;
    const started = performance.now();
    space.vector(point);
    return performance.now() - started;
  });
  live.move({ space: "bench", coordinates: point });
  const moves = Array.from(
    { length: 200 },
    (_, at) =>
      live.move({ space: "bench", changed: [{ index: at % components, sigma: at / 100 }] })
        .milliseconds,
  );
  const median = (values: readonly number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const conditions = `${String(flat.dimension)} numbers x ${String(components)} components in memory, median of ${String(moves.length)} moves and ${String(decodes.length)} decodes`;
  const move = median(moves);
  const decode = median(decodes);
  return [
    { name: "slider.move", value: move, unit: "ms", target: "< 2", ok: move < 2, conditions },
    {
      name: "slider.decode",
      value: decode,
      unit: "ms",
      target: "< 80",
      ok: decode < 80,
      conditions,
    },
  ];
}
