/** Latest wins: one call in flight, the newest waiting input next, everything between forgotten. */

export interface Latest<I> {
  push(input: I): void;
  /** Forgets what waits and ignores what is in flight. */
  cancel(): void;
}

export function latestWins<I, O>(
  run: (input: I) => Promise<O>,
  on: { result(output: O, input: I): void; failure(error: unknown): void },
): Latest<I> {
  let waiting: { input: I } | null = null;
  let busy = false;
  let generation = 0;

  async function pump(): Promise<void> {
    busy = true;
    while (waiting !== null) {
      const { input } = waiting;
      waiting = null;
      const mine = generation;
      try {
        const output = await run(input);
        if (mine === generation) on.result(output, input);
      } catch (error) {
        // A newer input will say whether it is still wrong.
        if (mine === generation && waiting === null) on.failure(error);
      }
    }
    busy = false;
  }

  return {
    push(input) {
      waiting = { input };
      if (!busy) void pump();
    },
    cancel() {
      waiting = null;
      generation++;
    },
  };
}
