/** Main's side of an engine process: starts it when first needed, starts it again when it ends, passes errors on as they were. */
import { setImmediate } from "node:timers/promises";
import { type ClientLink, createORPCClient, ORPCError } from "@orpc/client";
import { RPCLink } from "@orpc/client/message-port";
import type { ContractRouterClient } from "@orpc/contract";
import type { EngineContract } from "../../src-preload/contract/engine.ts";
import { FacetError } from "../core/errors.ts";
import { type Exit, endedFor, type Seen } from "./ending.ts";
import { readFailure } from "./failures.ts";
import { type EngineProcess, type EngineRole, forkEngine, type Launcher } from "./launcher.ts";
import { machineMemory, memoryKills, residentBytes } from "./machine-memory.ts";

export type EngineClient = ContractRouterClient<EngineContract>;

export interface Engine extends AsyncDisposable {
  readonly client: EngineClient;
  /** Process id while one runs. */
  readonly pid: number | undefined;
  /** Told when the process ends without being asked to. The next call starts another. */
  onExit(listener: (code: number | null) => void): void;
}

/** An engine that cannot even start is not started for ever. */
const startsInARow = 3;
/** How often a working engine's memory is looked at, so that its sizes are known if it should be ended. */
const lookMs = 500;

type Link = ClientLink<Record<never, never>>;

/** One process from its start to its end. */
interface Running {
  readonly process: EngineProcess;
  readonly link: Link;
  /** Calls that have no answer yet. */
  calls: number;
  seen: Seen | null;
  exit: Exit | null;
}

export function startEngine(role: EngineRole, launch: Launcher = forkEngine): Engine {
  let running: Running | null = null;
  let closed = false;
  let stillborn = 0;
  const listeners: ((code: number | null) => void)[] = [];

  function current(): Running {
    if (closed) throw new FacetError("engine-unavailable", "The engine was shut down.");
    if (running !== null) return running;
    if (stillborn >= startsInARow) {
      throw new FacetError(
        "engine-unavailable",
        `The ${role} engine ended ${String(stillborn)} times before it answered once; its words are in the log. Start Facet again.`,
      );
    }
    stillborn += 1;
    const process = launch(role);
    const started: Running = {
      process,
      link: new RPCLink({ port: process.port }),
      calls: 0,
      seen: null,
      exit: null,
    };
    running = started;
    const looking = setInterval(() => look(started), lookMs).unref();
    process.onExit((code, signal = null) => {
      clearInterval(looking);
      started.exit = { code, signal };
      if (running === started) running = null;
      if (!closed) for (const listener of listeners) listener(code);
    });
    return started;
  }

  const link: Link = {
    async call(path, input, options) {
      const engine = current();
      engine.seen ??= see(engine);
      engine.calls += 1;
      try {
        const answer = await engine.link.call(path, input, options);
        stillborn = 0;
        return isStream(answer) ? translated(answer, engine, path, options.signal) : answer;
      } catch (error) {
        if (error instanceof ORPCError) stillborn = 0;
        throw await translate(error, engine, path, options.signal);
      } finally {
        engine.calls -= 1;
      }
    },
  };

  return {
    client: createORPCClient(link),
    get pid() {
      return running?.process.pid;
    },
    onExit(listener) {
      listeners.push(listener);
    },
    [Symbol.asyncDispose]() {
      closed = true;
      const process = running?.process;
      if (process === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        process.onExit(() => resolve());
        process.kill();
      });
    },
  };
}

function isStream(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
}

async function* translated(
  stream: AsyncIterable<unknown>,
  engine: Running,
  path: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<unknown> {
  engine.calls += 1;
  try {
    yield* stream;
  } catch (error) {
    throw await translate(error, engine, path, signal);
  } finally {
    engine.calls -= 1;
  }
}

/** Errors that the engine named come back as they were; a broken connection is named here. */
async function translate(
  error: unknown,
  engine: Running,
  path: readonly string[],
  signal?: AbortSignal,
): Promise<unknown> {
  if (signal?.aborted === true) return new FacetError("cancelled", "Cancelled.", { cause: error });
  if (error instanceof FacetError) return error;
  const failure = error instanceof ORPCError ? readFailure(error) : null;
  if (failure !== null) return failure;
  if (error instanceof ORPCError) return error;
  // The port may close a turn before the process says how it ended.
  if (engine.exit === null) await setImmediate();
  return endedFor(path.join("."), engine.exit, engine.seen, error);
}

function look(engine: Running): void {
  if (engine.calls > 0) engine.seen = see(engine);
}

function see({ process, seen }: Running): Seen {
  return {
    engineBytes: process.pid === undefined ? null : residentBytes(process.pid),
    machine: machineMemory(),
    // Of the start: what is counted from then on is counted against this engine.
    kills: seen === null ? memoryKills() : seen.kills,
  };
}
