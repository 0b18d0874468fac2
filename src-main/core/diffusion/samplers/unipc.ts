/** UniPC, multistep, predicting data (Zhao et al. 2023): a predictor, and a corrector that costs no further prediction. */
import { combine, type Run } from "./run.ts";

interface Variant {
  /** B(h): h itself or e^h - 1. */
  readonly scale: "bh1" | "bh2";
  readonly order: number;
  /** Stands for a last sigma of 0. */
  readonly end: number;
}

/** ComfyUI's `uni_pc`: order 3 where there are steps enough, ending at 0.001 (comfy/extra_samplers/uni_pc.py). */
export async function unipcComfy(run: Run, latent: Float64Array): Promise<Float64Array> {
  return await unipc(run, latent, {
    scale: "bh1",
    order: Math.min(3, run.plan.steps.length - 1),
    end: 0.001,
  });
}

/** UniPCMultistepScheduler as it is by default. */
export async function unipcDiffusers(run: Run, latent: Float64Array): Promise<Float64Array> {
  return await unipc(run, latent, { scale: "bh2", order: 2, end: 0 });
}

interface Known {
  readonly denoised: Float64Array;
  /** Half of the logarithm of the signal-to-noise ratio. */
  readonly lambda: number;
}

async function unipc(
  run: Run,
  latent: Float64Array,
  { scale, order, end }: Variant,
): Promise<Float64Array> {
  const { steps } = run.plan;
  let x = latent;
  let sigma = steps[0]?.sigma ?? 0;
  const history: Known[] = [{ denoised: await run.denoise(x, 0), lambda: -Math.log(sigma) }];
  for (let step = 1; step <= steps.length; step++) {
    const next = steps[step]?.sigma ?? end;
    const lambda = -Math.log(next);
    const latest = history.at(-1);
    if (latest === undefined || next === 0) return latest?.denoised ?? x;
    const used = Math.min(order, step, steps.length + 1 - step);
    const h = lambda - latest.lambda;
    // Differences of what was seen before, over their distances in units of h, from the nearest on.
    const older = history.slice(-used, -1).reverse();
    const places = older.map((known) => (known.lambda - latest.lambda) / h);
    const differences = older.map((known, i) => {
      const over = 1 / (places[i] ?? 1);
      return combine([over, known.denoised], [-over, latest.denoised]);
    });
    const size = scale === "bh1" ? -h : Math.expm1(-h);
    const first: readonly (readonly [number, Float64Array])[] = [
      [next / sigma, x],
      [-Math.expm1(-h), latest.denoised],
    ];
    const weights = predictorWeights(places, moments(-h, size, used));
    let moved = combine(
      ...first,
      ...weights.map((weight, i) => [-size * weight, differences[i] ?? x] as const),
    );
    if (step < steps.length) {
      const denoised = await run.denoise(moved, step);
      const corrector = correctorWeights(places, moments(-h, size, used));
      const newest = combine([1, denoised], [-1, latest.denoised]);
      moved = combine(
        ...first,
        ...corrector.map((weight, i) => [-size * weight, differences[i] ?? newest] as const),
      );
      history.push({ denoised, lambda });
      if (history.length > order) history.shift();
    }
    x = moved;
    sigma = next;
  }
  return x;
}

/** k! phi_(k+1)(h) h / B(h) for k = 1 to `count`, by the recursion of the exponential integrator's functions. */
function moments(h: number, size: number, count: number): number[] {
  const out: number[] = [];
  let phi = Math.expm1(h) / h - 1;
  let factorial = 1;
  for (let k = 1; k <= count; k++) {
    out.push((phi * factorial) / size);
    factorial *= k + 1;
    phi = phi / h - 1 / factorial;
  }
  return out;
}

/** Order 2 takes a half instead of solving, in both programs. */
function predictorWeights(places: readonly number[], right: readonly number[]): number[] {
  return places.length === 1 ? [0.5] : solvePowers(places, right.slice(0, places.length));
}

/** The last weight is that of the new prediction, at distance 1. Order 1 takes a half. */
function correctorWeights(places: readonly number[], right: readonly number[]): number[] {
  return places.length === 0 ? [0.5] : solvePowers([...places, 1], right);
}

/** Solves sum_j places[j]^i w[j] = right[i]: at most 3 unknowns, by elimination with pivots. */
function solvePowers(places: readonly number[], right: readonly number[]): number[] {
  const size = places.length;
  const rows = right.map((value, i) => [...places.map((place) => place ** i), value]);
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(at(row, column)) > Math.abs(at(pivot, column))) pivot = row;
    }
    const chosen = rows[pivot] ?? [];
    rows[pivot] = rows[column] ?? [];
    rows[column] = chosen;
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = at(row, column) / at(column, column);
      rows[row] = (rows[row] ?? []).map((value, i) => value - factor * (chosen[i] ?? 0));
    }
  }
  return places.map((_, i) => at(i, size) / at(i, i));
}
