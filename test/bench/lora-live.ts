/** What a LoRA as a live input costs: in each step, at a change of strength, and when it must be read first. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { lowRankInputs } from "../../src-main/core/diffusion/low-rank.ts";
import { add, input, matmul, reshape, slice } from "../../src-main/core/graph/build/index.ts";
import { graphOf, type Node } from "../../src-main/core/graph/node.ts";
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import type { Lora, ModuleShape } from "../../src-main/core/lora/lora.ts";
import { LoraStacks } from "../../src-main/core/lora/stack.ts";
import { openSession, type Session } from "../../src-main/engine/session.ts";
import { openLora } from "../../src-main/files/lora-file.ts";
import { writeLora } from "../support/loras.ts";
import { randomLora } from "../support/random-lora.ts";
import { conditions, sideBySide } from "./side-by-side.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const mostOverhead = 0.06;
const mostMilliseconds = 5;
const rounds = 30;

export async function loraLive(_context: BenchContext): Promise<BenchResult[]> {
  const threads = String(availableParallelism());
  const steps = (mode: string) => [process.execPath, "unet-steps.ts", "wide", mode, threads];
  const { ours, theirs } = await sideBySide(steps("live"), steps("plain"));
  const overhead = ours / theirs - 1;
  return [
    {
      name: "lora-live.overhead",
      value: 100 * overhead,
      unit: "%",
      target: `<= ${String(100 * mostOverhead)}`,
      ok: overhead <= mostOverhead,
      conditions: `rank 16 in all attention, widths 320/640/1280, batch 2, 64x64 latents, ${conditions}`,
    },
    ...(await changes()),
  ];
}

/** SDXL's 794 modules of the UNet; what is computed of them does not matter here. */
async function changes(): Promise<BenchResult[]> {
  const modules = modulesOf("sdxl").filter(({ path }) => path.startsWith("unet."));
  const where = ({ path }: ModuleShape) => path.includes(".attentions.");
  const made = (seed: number) => ({
    lora: randomLora("sdxl", seed, { rank: 16, where }),
    name: `LoRA ${String(seed)}`,
  });
  const loras = [made(1), made(2)] as const;
  const session = await touching(modules);
  const stacks = new LoraStacks(modules);
  /** Milliseconds from new strengths to the runtime's first operator: all, without what a run of known feeds takes. */
  const change = async (count: number): Promise<number> => {
    const changed: number[] = [];
    const known: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const stacked = loras
        .slice(0, count)
        .map((each) => ({ ...each, strength: 0.1 + round / 10 }));
      const started = performance.now();
      const feeds = { ...stacks.stack(stacked).components.get("unet")?.feeds };
      await session.run(feeds);
      changed.push(performance.now() - started);
      const again = performance.now();
      await session.run(feeds);
      known.push(performance.now() - again);
    }
    return Math.min(...changed) - Math.min(...known);
  };
  const row = (name: string, value: number, what: string): BenchResult => ({
    name: `lora-live.${name}`,
    value,
    unit: "ms",
    target: `< ${String(mostMilliseconds)}`,
    ok: value < mostMilliseconds,
    conditions: `${what}, rank 16, 722 of SDXL's modules, the fastest of ${String(rounds)}`,
  });
  const rows = [
    row("change", await change(1), "another strength, until the runtime begins"),
    row("change-of-two", await change(2), "another strength of one of two LoRAs, joined before"),
    decode(modules, loras[0].lora),
  ];
  await session.close();
  return rows;
}

/** Takes all inputs and multiplies a row of each with a column, so that its own work stays small. */
async function touching(modules: readonly ModuleShape[]): Promise<Session> {
  const { adapter } = lowRankInputs(() => input("none", []), "unet");
  const parts = modules.map(({ path, out, in: inputs, conv, kernel }) => {
    const shape = conv ? [out, inputs, ...kernel] : [out, inputs];
    const pair = adapter?.(`${path.slice("unet.".length)}.weight`, shape);
    if (!pair) throw new Error("there is an adapter for every module");
    const [rank = 0, ...rest] = pair.down.shape;
    const column = rest.reduce((part: Node, _, axis) => slice(part, axis + 1, 0, 1), pair.down);
    return matmul(slice(pair.up, 0, 0, 1), reshape(column, [rank, 1]));
  });
  return openSession(graphOf({ total: parts.reduce(add) }), { provider: "cpu", threads: 1 });
}

/** From a file to the first feeds, every number looked at. */
function decode(modules: readonly ModuleShape[], lora: Lora): BenchResult {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  try {
    const path = join(folder, "lora.safetensors");
    writeLora(path, lora);
    const stacks = new LoraStacks(modules);
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now();
      stacks.stack([{ lora: openLora(path), name: path, strength: 1 }]);
      return performance.now() - started;
    });
    return {
      name: "lora-live.decode",
      value: Math.min(...times),
      unit: "ms",
      target: "said",
      ok: true,
      conditions: "a LoRA of 170 MB read from the page cache and checked, the fastest of 5",
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
