/** Who makes a picture now: one at a time, and of each slot only the newest request. */

/** Thrown through whatever is being computed for a request that nobody waits for any more. */
export class Superseded extends Error {}

export interface Turn extends Disposable {
  /** Lets the engine hear its port, then throws `Superseded` where a newer request took the slot. */
  check(): Promise<void>;
}

interface Waiting {
  readonly slot: string;
  superseded: boolean;
  /** Called when it is its turn, or when it need not wait any more. */
  wake: () => void;
}

export class Slots {
  /** The first is being worked on. */
  readonly #queue: Waiting[] = [];

  /**
   * Resolves when all older requests are done or given up.
   * @param signal of whoever waits for this one: gone, it takes no newer request of the slot with it.
   */
  async take(slot: string, signal?: AbortSignal): Promise<Turn> {
    this.cancel(slot);
    const own: Waiting = { slot, superseded: signal?.aborted === true, wake: () => undefined };
    signal?.addEventListener("abort", () => this.#giveUp(own), { once: true });
    this.#queue.push(own);
    if (this.#queue[0] !== own) {
      await new Promise<void>((resolve) => {
        own.wake = resolve;
      });
    }
    if (own.superseded) {
      this.#leave(own);
      throw new Superseded();
    }
    return {
      check: async () => {
        // A run of the runtime blocks this thread: what arrived meanwhile is read here.
        await new Promise((resolve) => setImmediate(resolve));
        if (own.superseded) throw new Superseded();
      },
      [Symbol.dispose]: () => this.#leave(own),
    };
  }

  /** @returns False where the slot has no request. */
  cancel(slot: string): boolean {
    const found = this.#queue.filter((one) => one.slot === slot && !one.superseded);
    for (const one of found) this.#giveUp(one);
    return found.length > 0;
  }

  #giveUp(one: Waiting): void {
    one.superseded = true;
    if (this.#queue[0] !== one) one.wake();
  }

  #leave(own: Waiting): void {
    const first = this.#queue[0] === own;
    const at = this.#queue.indexOf(own);
    if (at >= 0) this.#queue.splice(at, 1);
    if (first) this.#queue[0]?.wake();
  }
}
