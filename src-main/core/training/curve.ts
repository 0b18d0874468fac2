/** The course of a training in at most a few hundred points, however long it runs; the same steps give the same points. */

export interface CurvePoint {
  /** The last of the steps that the point stands for. */
  readonly step: number;
  /** Means over these steps. */
  readonly loss: number;
  /** Null where a step does not tell. */
  readonly gradientNorm: number | null;
  /** At the last of them. */
  readonly rate: number;
}

/** All that a curve is, as JSON carries it without loss. */
export interface CurveState {
  /** Steps that one point stands for. */
  readonly every: number;
  readonly points: readonly CurvePoint[];
  /** Sums over the steps behind the last point. */
  readonly open: {
    readonly steps: number;
    readonly loss: number;
    readonly gradientNorm: number | null;
  };
}

/** When there are this many, each two become one. */
const mostPoints = 512;

const nothing: CurveState["open"] = { steps: 0, loss: 0, gradientNorm: null };

export class LossCurve {
  #every: number;
  #points: CurvePoint[];
  #open: CurveState["open"];

  constructor(state: CurveState = { every: 1, points: [], open: nothing }) {
    this.#every = state.every;
    this.#points = [...state.points];
    this.#open = state.open;
  }

  get state(): CurveState {
    return { every: this.#every, points: [...this.#points], open: this.#open };
  }

  add({ step, loss, gradientNorm, rate }: CurvePoint): void {
    const { steps, ...sums } = this.#open;
    this.#open = {
      steps: steps + 1,
      loss: sums.loss + loss,
      gradientNorm: gradientNorm === null ? null : (sums.gradientNorm ?? 0) + gradientNorm,
    };
    if (this.#open.steps < this.#every) return;
    const count = this.#open.steps;
    this.#points.push({
      step,
      loss: this.#open.loss / count,
      gradientNorm: this.#open.gradientNorm === null ? null : this.#open.gradientNorm / count,
      rate,
    });
    this.#open = nothing;
    if (this.#points.length === mostPoints) this.#halve();
  }

  #halve(): void {
    const before = this.#points;
    this.#points = [];
    for (let index = 0; index + 1 < before.length; index += 2) {
      const [left, right] = [before[index], before[index + 1]];
      if (left === undefined || right === undefined) continue;
      this.#points.push({
        ...right,
        loss: (left.loss + right.loss) / 2,
        gradientNorm:
          left.gradientNorm === null || right.gradientNorm === null
            ? null
            : (left.gradientNorm + right.gradientNorm) / 2,
      });
    }
    this.#every *= 2;
  }
}
