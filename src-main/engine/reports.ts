/** Reports handed from work to a stream: of those about progress only the newest, of the others each. */

export class Reports<T> implements AsyncIterable<T> {
  #newest: T | null = null;
  readonly #kept: T[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  /** Takes the place of the last one that nobody has read. */
  put(report: T): void {
    this.#newest = report;
    this.#wake?.();
  }

  /** Must arrive; progress told before it would be out of date. */
  keep(report: T): void {
    this.#newest = null;
    this.#kept.push(report);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const kept = this.#kept.shift();
      const report = kept ?? this.#newest;
      if (kept === undefined) this.#newest = null;
      if (report !== null) yield report;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
