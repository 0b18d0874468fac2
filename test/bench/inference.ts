/** Forward passes of four networks beside torch eager in inference mode. */
import { lowering } from "./lowering.ts";
import { compare, conditions, geometricMean, peer, withTorch } from "./side-by-side.ts";
import type { BenchContext, BenchResult } from "./types.ts";

const leastEach = 1;
const leastMean = 1.1;

export async function inference(context: BenchContext): Promise<BenchResult[]> {
  const python = withTorch(context.python);
  const compared = await compare("inference", python);
  const measured = python !== null;
  const rows = compared.map(({ network, ours, theirs }): BenchResult => ({
    name: `inference.${network}`,
    value: 1 / ours,
    unit: "runs/s",
    target: `>= ${String(leastEach)} x peer`,
    ok: !measured || theirs / ours >= leastEach,
    ...(measured && { peer, ratio: theirs / ours }),
    conditions,
  }));
  rows.push(lowering());
  if (!measured) return rows;
  const mean = geometricMean(compared.map(({ ours, theirs }) => theirs / ours));
  return [
    ...rows,
    {
      name: "inference.mean",
      value: mean,
      unit: "x",
      target: `>= ${String(leastMean)} x peer`,
      ok: mean >= leastMean,
      peer,
      ratio: mean,
      conditions: "geometric mean of the rows above",
    },
  ];
}
