/** The one way to a session: what it will need, the provider that was wished for or allowed in its place, and the cache behind. */
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { estimateMemory, type MemoryEstimate } from "../core/graph/memory.ts";
import type { Graph } from "../core/graph/node.ts";
import type { ProviderName } from "../core/onnx/target.ts";
import { type Device, listDevices } from "./devices.ts";
import { type MachineMemory, machineMemory, refuseUnfit } from "./machine-memory.ts";
import {
  isProviders,
  type Opened,
  openOnFirst,
  type ProviderState,
  providerStates,
  type ProviderWish,
  reasonOf,
  thisMachine,
} from "./providers.ts";
import type { Runtime } from "./runtime.ts";
import { openSession, type Session } from "./session.ts";
import { widensHalves } from "./stored-halves.ts";
import { type CacheUse, SessionCache } from "./session-cache.ts";

/** Of the machine's memory: weights that stay for the next who asks. */
const cacheShare = 0.4;
/** More do not help the sizes that are met here, and the order of summation stays the same on most machines. */
const mostThreads = 8;

export interface SessionWish extends ProviderWish {
  /** Subject of the sentence that refuses what does not fit: `This training`. */
  readonly what: string;
  /** Values of the graph's symbols in the runs that are to come, as far as memory goes. */
  readonly sizes?: ReadonlyMap<string, number>;
  readonly threads?: number | undefined;
}

/** A session and what it runs on. */
export interface OpenedSession extends Opened<Session> {
  readonly threads: number;
  readonly estimate: MemoryEstimate;
}

export class Sessions {
  readonly version: string;
  #states: readonly ProviderState[];
  readonly #cache: SessionCache<Session>;
  #devices: Promise<Device[]> | undefined;

  constructor(runtime: Runtime, budgetBytes = Math.floor(totalmem() * cacheShare)) {
    this.#states = providerStates(thisMachine(runtime.providers, nativeFolder()));
    this.version = runtime.version;
    this.#cache = new SessionCache({
      budgetBytes,
      open: openSession,
      close: (session) => session.close(),
    });
  }

  get states(): readonly ProviderState[] {
    return this.#states;
  }

  get use(): CacheUse {
    return this.#cache.use;
  }

  /** Asked for once: they do not change while an engine lives, and NVIDIA's tools take their time. */
  devices(): Promise<Device[]> {
    this.#devices ??= listDevices(this.#states);
    return this.#devices;
  }

  /** From the cache, which keeps it when it is given back. */
  async lease(graph: Graph, wish: SessionWish): Promise<OpenedSession & Disposable> {
    const { threads = defaultThreads() } = wish;
    const { session, ...opened } = await this.#open(graph, wish, (provider, check) =>
      this.#cache.lease(graph, { provider, threads }, check),
    );
    return {
      ...opened,
      session: session.session,
      threads,
      [Symbol.dispose]: () => session[Symbol.dispose](),
    };
  }

  /** Closes all that is only kept for later. */
  clear(): Promise<void> {
    return this.#cache.clear();
  }

  /** For who uses it once and for long: it is closed afterwards with all the memory that its runs took. */
  async openAlone(graph: Graph, wish: SessionWish): Promise<OpenedSession & AsyncDisposable> {
    const { threads = defaultThreads() } = wish;
    const opened = await this.#open(graph, wish, async (provider, check) => {
      await check(false);
      return openSession(graph, { provider, threads });
    });
    return { ...opened, threads, [Symbol.asyncDispose]: () => opened.session.close() };
  }

  /** Refuses what would not fit, and keeps in mind which provider failed, for whoever asks for the state of things. */
  async #open<S>(
    graph: Graph,
    { what, sizes, ...wish }: SessionWish,
    open: (provider: ProviderName, check: (loaded: boolean) => Promise<void>) => Promise<S>,
  ): Promise<Opened<S> & { estimate: MemoryEstimate }> {
    const devices = await this.devices();
    const estimateOn = (provider: ProviderName) =>
      estimateMemory(graph, { ...(sizes && { sizes }), wideHalves: widensHalves(graph, provider) });
    const opened = await openOnFirst(wish, this.#states, async (provider) => {
      const check = async (loaded: boolean) => {
        const { weights, total, ...rest } = estimateOn(provider);
        const needed = loaded
          ? { ...rest, weights: 0, total: total - weights }
          : { ...rest, weights, total };
        // What is only kept for later makes room for what is wanted now.
        if (needed.total > memoryOf(provider, devices).freeBytes) await this.#cache.clear();
        refuseUnfit(what, needed, memoryOf(provider, devices));
      };
      try {
        return await open(provider, check);
      } catch (error) {
        if (isProviders(error)) {
          this.#remember(provider, `failed when last tried: ${reasonOf(error)}`);
        }
        throw error;
      }
    });
    return { ...opened, estimate: estimateOn(opened.provider) };
  }

  #remember(provider: ProviderName, reason: string): void {
    this.#states = this.#states.map((state) =>
      state.name === provider ? { ...state, reason } : state,
    );
  }
}

/** A card's own memory where it is known; what shares the machine's goes by that. */
function memoryOf(provider: ProviderName, devices: readonly Device[]): MachineMemory {
  const own = devices.find((device) => device.provider === provider)?.memoryBytes ?? null;
  if (provider === "cpu" || provider === "coreml" || own === null) return machineMemory();
  return { totalBytes: own, freeBytes: own };
}

function defaultThreads(): number {
  return Math.min(mostThreads, availableParallelism());
}

/** Where onnxruntime-node keeps the native library of this platform. */
function nativeFolder(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(entry), "..", "bin", "napi-v6", process.platform, process.arch);
}
