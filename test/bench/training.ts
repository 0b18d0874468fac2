/** Training steps of four networks, the optimiser's included, beside torch eager: speed, memory, what TypeScript costs. */
import {
  type Compared,
  compare,
  conditions,
  geometricMean,
  peer,
  withTorch,
} from "./side-by-side.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const leastEach = 0.8;
const leastMean = 1;
const mostMemory = 1.3;
const mostAround = 2;

export async function training(context: BenchContext): Promise<BenchResult[]> {
  const python = withTorch(context.python);
  const compared = await compare("training", python);
  const measured = python !== null;
  const ratios = compared.map(({ ours, theirs }) => theirs / ours);
  const mean = geometricMean(ratios);
  const rows = compared.map(({ network, ours }, index): BenchResult => {
    const ratio = ratios[index] ?? Number.NaN;
    return {
      name: `training.${network}`,
      value: 1 / ours,
      unit: "steps/s",
      target: `>= ${String(leastEach)} x peer`,
      ok: !measured || ratio >= leastEach,
      ...(measured && { peer, ratio }),
      conditions: `AdamW, ${conditions}`,
    };
  });
  const around = most(compared, (each) => each.around);
  const memory = most(compared, ({ ourPeak, theirPeak }) => ourPeak / (measured ? theirPeak : 1));
  return [
    ...rows,
    ...(measured
      ? [
          {
            name: "training.mean",
            value: mean,
            unit: "x",
            target: `>= ${String(leastMean)} x peer`,
            ok: mean >= leastMean,
            peer,
            ratio: mean,
            conditions: "geometric mean of the rows above",
          },
        ]
      : []),
    {
      name: "training.memory",
      value: memory.ourPeak / 2 ** 20,
      unit: "MiB",
      target: `<= ${String(mostMemory)} x peer`,
      ok: !measured || memory.ourPeak / memory.theirPeak <= mostMemory,
      ...(measured && { peer, ratio: memory.ourPeak / memory.theirPeak }),
      conditions: `peak resident memory of the process, ${memory.network}: the worst of the four`,
    },
    {
      name: "training.overhead",
      value: around.around * 1000,
      unit: "ms",
      target: `< ${String(mostAround)}`,
      ok: around.around * 1000 < mostAround,
      conditions: `a step's time outside the runtime's native code, ${around.network}: the worst of the four`,
    },
  ];
}

function most(compared: readonly Compared[], value: (each: Compared) => number): Compared {
  return compared.reduce((worst, each) => (value(each) > value(worst) ? each : worst));
}
