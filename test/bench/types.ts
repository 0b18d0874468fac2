/** What a benchmark gets and gives. */

export interface BenchContext {
  /** A Python with the peers' packages (FACET_PYTHON), or null: then only our own side is measured. */
  readonly python: string | null;
}

/** One line of the table. */
export interface BenchResult {
  /** `group.what`. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** In words: `< 3`, `<= peer`. */
  readonly target: string;
  readonly ok: boolean;
  /** Who was measured beside us, in the same run. */
  readonly peer?: string;
  /** Our value by the peer's. */
  readonly ratio?: number;
  readonly conditions: string;
}

export type BenchGroup = (
  context: BenchContext,
) => Promise<readonly BenchResult[]> | readonly BenchResult[];
