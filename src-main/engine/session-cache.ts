/** Opened sessions, kept by what they compute: one for each graph, provider and options, within a budget of memory. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { assert } from "../core/errors.ts";
import { estimateMemory } from "../core/graph/memory.ts";
import type { Graph } from "../core/graph/node.ts";
import { inOrder } from "../core/graph/order.ts";
import { printGraph } from "../core/graph/print.ts";
import type { ProviderName } from "../core/onnx/target.ts";
import type { SessionOptions } from "./session.ts";
import { widensHalves } from "./stored-halves.ts";

/** A session while it is used; it is not evicted before it is given back. */
export interface Lease<S> extends Disposable {
  readonly session: S;
}

export interface CacheUse {
  readonly sessions: number;
  /** Since the start, those that were closed again too. */
  readonly opened: number;
  /** Weights of all of them, and a little for each. */
  readonly bytes: number;
  readonly budgetBytes: number;
}

/** What a session takes without any weights, so that many small ones are not free. */
const overheadBytes = 2 ** 20;

interface Entry<S> {
  readonly bytes: number;
  readonly opening: Promise<S>;
  leases: number;
  failed: boolean;
}

export interface CacheParts<S> {
  readonly budgetBytes: number;
  open(graph: Graph, options: SessionOptions): Promise<S>;
  close(session: S): Promise<void>;
}

export class SessionCache<S> {
  readonly #parts: CacheParts<S>;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry<S>>();
  #opened = 0;
  readonly #keys = new WeakMap<Graph, Map<string, string>>();

  constructor(parts: CacheParts<S>) {
    this.#parts = parts;
  }

  get use(): CacheUse {
    return {
      sessions: this.#entries.size,
      opened: this.#opened,
      bytes: [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      budgetBytes: this.#parts.budgetBytes,
    };
  }

  /**
   * Opens a session, or gives the one that is open; who asks while it is being opened waits for the same one.
   * `check` is told whether it is open and may refuse.
   */
  async lease(
    graph: Graph,
    options: SessionOptions,
    check: (open: boolean) => Promise<void> = () => Promise.resolve(),
  ): Promise<Lease<S>> {
    const key = this.#key(graph, options);
    const open = this.#entries.get(key);
    // Held while it is checked: what the check clears away is the others.
    if (open !== undefined) open.leases += 1;
    let held = open;
    try {
      await check(open !== undefined);
      if (held === undefined) {
        const bytes = overheadBytes + sessionBytes(graph, options.provider);
        await this.#makeRoom(bytes);
        // Another may have asked for the same while room was made.
        held = this.#entries.get(key) ?? this.#open(graph, options, bytes);
        held.leases += 1;
      }
      const entry = held;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      const session = await entry.opening;
      let given = false;
      return {
        session,
        [Symbol.dispose]: () => {
          assert(!given, "a session is given back once");
          given = true;
          entry.leases -= 1;
        },
      };
    } catch (error) {
      if (held !== undefined) {
        held.leases -= 1;
        // The next who asks tries again.
        if (held.failed && this.#entries.get(key) === held) this.#entries.delete(key);
      }
      throw error;
    }
  }

  #open(graph: Graph, options: SessionOptions, bytes: number): Entry<S> {
    this.#opened += 1;
    const entry: Entry<S> = {
      bytes,
      opening: this.#parts.open(graph, options).catch((error: unknown) => {
        entry.failed = true;
        throw error;
      }),
      leases: 0,
      failed: false,
    };
    return entry;
  }

  /** A graph is hashed once: it may be the whole UNet of a model, asked for at every picture. */
  #key(graph: Graph, options: SessionOptions): string {
    let known = this.#keys.get(graph);
    if (known === undefined) {
      known = new Map();
      this.#keys.set(graph, known);
    }
    const chosen = JSON.stringify(options);
    const key = known.get(chosen) ?? sessionKey(graph, options);
    known.set(chosen, key);
    return key;
  }

  /** Closes all that nobody uses. */
  async clear(): Promise<void> {
    await this.#evict(() => true);
  }

  /** A session larger than the whole budget is opened all the same, alone. */
  async #makeRoom(bytes: number): Promise<void> {
    await this.#evict(() => this.use.bytes + bytes > this.#parts.budgetBytes);
  }

  /** From the least recently used on, while `more` says so. */
  async #evict(more: () => boolean): Promise<void> {
    for (const [key, entry] of [...this.#entries]) {
      if (!more()) return;
      if (entry.leases > 0) continue;
      this.#entries.delete(key);
      await this.#parts.close(await entry.opening);
    }
  }
}

/** What a session holds while nothing runs. */
export function sessionBytes(graph: Graph, provider: ProviderName): number {
  const fixed = inOrder(graph.outputs.values()).filter(
    ({ operator, shape }) =>
      operator === "weight" ||
      (operator === "constant" && shape.every((size) => typeof size === "number")),
  );
  const leaves = new Map(fixed.map((node, index) => [String(index), node]));
  return estimateMemory(
    { outputs: leaves },
    {
      wideHalves: widensHalves(graph, provider),
    },
  ).weights;
}

/** Printed graphs tell long constants apart by a short hash; here the bytes themselves are hashed, and files by their state. */
export function sessionKey(graph: Graph, options: SessionOptions): string {
  const hash = createHash("sha256");
  const chosen = Object.entries(options).toSorted(([a], [b]) => (a < b ? -1 : 1));
  hash.update(`${JSON.stringify(chosen)}\n${printGraph(graph)}\n`);
  for (const node of inOrder(graph.outputs.values())) {
    if (node.operator === "constant" && typeof node.parameters.values !== "number") {
      hash.update(node.parameters.values);
    }
    if (node.operator !== "weight") continue;
    const { source } = node.parameters;
    if (source.kind === "bytes") {
      hash.update(source.bytes);
      continue;
    }
    const { size, mtimeMs } = statSync(source.path);
    hash.update(`${source.path}\n${String(size)}\n${String(mtimeMs)}\n`);
  }
  return hash.digest("hex");
}
