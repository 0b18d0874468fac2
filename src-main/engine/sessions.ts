/** The one way to a session: the provider that was wished for, what was allowed in its place, and the cache behind. */
import { availableParallelism, totalmem } from "node:os";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Graph } from "../core/graph/node.ts";
import { type Device, listDevices } from "./devices.ts";
import type { ProviderName } from "../core/onnx/target.ts";
import {
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
import { type CacheUse, SessionCache } from "./session-cache.ts";

/** Weights that stay in memory for the next who asks. */
const cacheShare = 0.4;
/** More do not help the sizes that are met here, and the order of summation stays the same on most machines. */
const mostThreads = 8;

/** A session and what it runs on. */
export interface OpenedSession extends Opened<Session> {
  readonly threads: number;
}

export class Sessions {
  #states: readonly ProviderState[];
  readonly version: string;
  readonly #cache = new SessionCache<Session>({
    budgetBytes: Math.floor(totalmem() * cacheShare),
    open: openSession,
    close: (session) => session.close(),
  });
  #devices: Promise<Device[]> | undefined;

  constructor(runtime: Runtime) {
    this.#states = providerStates(thisMachine(runtime.providers, nativeFolder()));
    this.version = runtime.version;
  }

  get states(): readonly ProviderState[] {
    return this.#states;
  }

  get use(): CacheUse {
    return this.#cache.use;
  }

  /** Asked for once: they do not change while an engine lives, and NVIDIA's tools take their time. */
  devices(): Promise<Device[]> {
    this.#devices ??= listDevices(this.states);
    return this.#devices;
  }

  /** From the cache, which keeps it when it is given back. */
  async lease(graph: Graph, wish: ProviderWish): Promise<OpenedSession & Disposable> {
    const threads = defaultThreads();
    const { session, provider, passedOver } = await this.#open(wish, (name) =>
      this.#cache.lease(graph, { provider: name, threads }),
    );
    return {
      session: session.session,
      provider,
      passedOver,
      threads,
      [Symbol.dispose]: () => session[Symbol.dispose](),
    };
  }

  /** For who uses it once and for long: it is closed afterwards with all the memory that its runs took. */
  async openAlone(
    graph: Graph,
    wish: ProviderWish,
    threads = defaultThreads(),
  ): Promise<OpenedSession & AsyncDisposable> {
    const opened = await this.#open(wish, (provider) => openSession(graph, { provider, threads }));
    return { ...opened, threads, [Symbol.asyncDispose]: () => opened.session.close() };
  }

  /** Keeps in mind which provider failed, so that whoever asks for the state of things is told. */
  #open<S>(wish: ProviderWish, open: (name: ProviderName) => Promise<S>): Promise<Opened<S>> {
    return openOnFirst(wish, this.#states, async (name) => {
      try {
        return await open(name);
      } catch (error) {
        const reason = `failed when last tried: ${reasonOf(error)}`;
        this.#states = this.#states.map((state) =>
          state.name === name ? { ...state, reason } : state,
        );
        throw error;
      }
    });
  }
}

function defaultThreads(): number {
  return Math.min(mostThreads, availableParallelism());
}

/** Where onnxruntime-node keeps the native library of this platform. */
function nativeFolder(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(entry), "..", "bin", "napi-v6", process.platform, process.arch);
}
