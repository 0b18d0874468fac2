/** The identity under the sliders: its matrices lie ready, one slider moves them by one component. */
import type { FactorSpace } from "../../core/spaces/factor-space.ts";
import type { LatentSpace } from "../../core/spaces/space.ts";

export interface LiveMove {
  readonly space: string;
  /** A whole new point; left out where only sliders changed. */
  readonly coordinates?: readonly number[] | undefined;
  readonly changed?: readonly { index: number; sigma: number }[] | undefined;
}

/** Steps after which rounding of the increments is swept away by a full decode. */
const refreshEvery = 256;

export class LiveIdentity {
  readonly #spaces: { get(path: string): LatentSpace };
  #state: {
    path: string;
    space: LatentSpace;
    coordinates: number[];
    vector: Float32Array;
    moves: number;
  } | null = null;

  constructor(spaces: { get(path: string): LatentSpace }) {
    this.#spaces = spaces;
  }

  /** Matrices of the live identity, flattened by its space's layout; null before the first move. */
  get vector(): Float32Array | null {
    return this.#state?.vector ?? null;
  }

  /** @returns Milliseconds from request to matrices ready, and the point's distance from the mean in sigma. */
  move(request: LiveMove): { milliseconds: number; norm: number } {
    const started = performance.now();
    const space = this.#spaces.get(request.space);
    const known =
      this.#state?.path === request.space && this.#state.space === space ? this.#state : null;
    const before = known?.coordinates ?? [];
    const next = [...(request.coordinates ?? before)];
    for (const { index, sigma } of request.changed ?? []) {
      while (next.length <= index) next.push(0);
      next[index] = sigma;
    }
    if (isFactorSpace(space)) {
      const different = differences(before, next);
      if (known === null || different.length > 8 || known.moves >= refreshEvery) {
        this.#state = {
          path: request.space,
          space,
          coordinates: next,
          vector: space.vector(next),
          moves: 0,
        };
      } else {
        for (const index of different) {
          space.nudge(known.vector, index, (next[index] ?? 0) - (before[index] ?? 0));
        }
        known.coordinates = next;
        known.moves += 1;
      }
    } else {
      // A point of the delta form is decoded where its matrices are asked for.
      this.#state = {
        path: request.space,
        space,
        coordinates: next,
        vector: new Float32Array(0),
        moves: 0,
      };
    }
    return { milliseconds: performance.now() - started, norm: Math.hypot(...next) };
  }
}

function isFactorSpace(space: LatentSpace): space is FactorSpace {
  return "nudge" in space;
}

function differences(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => index).filter(
    (index) => (a[index] ?? 0) !== (b[index] ?? 0),
  );
}
