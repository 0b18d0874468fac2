/** Building and lowering the whole UNet of SDXL: what is done before a checkpoint's first picture. */
import { lowerGraph } from "../../src-main/core/onnx/lower.ts";
import { wholeUnet } from "../support/diffusion/whole-unet.ts";
import type { BenchResult } from "./types.ts";

const target = 2;
const rounds = 5;

/** Seconds; the first round, before anything is compiled, counts too, so the slowest is told. */
export function lowering(): BenchResult {
  const seconds = Array.from({ length: rounds }, () => {
    const started = performance.now();
    lowerGraph(wholeUnet("sdxl").graph, { provider: "cuda" });
    return (performance.now() - started) / 1000;
  });
  const slowest = Math.max(...seconds);
  return {
    name: "inference.sdxl-graph",
    value: slowest,
    unit: "s",
    target: `< ${String(target)}`,
    ok: slowest < target,
    conditions: `SDXL's UNet from nothing to ONNX bytes, weights as byte ranges, the slowest of ${String(rounds)}`,
  };
}
