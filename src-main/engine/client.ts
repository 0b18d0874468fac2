/** Main's side of an engine process: starts it when first needed, starts it again when it ends, passes errors on as they were. */
import { type ClientLink, createORPCClient, ORPCError } from "@orpc/client";
import { RPCLink } from "@orpc/client/message-port";
import type { ContractRouterClient } from "@orpc/contract";
import type { EngineContract } from "../../src-preload/contract/engine.ts";
import { FacetError } from "../core/errors.ts";
import { readFailure } from "./failures.ts";
import { type EngineProcess, type EngineRole, forkEngine, type Launcher } from "./launcher.ts";

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

type Link = ClientLink<Record<never, never>>;

export function startEngine(role: EngineRole, launch: Launcher = forkEngine): Engine {
  let running: { process: EngineProcess; link: Link } | null = null;
  let closed = false;
  let stillborn = 0;
  const listeners: ((code: number | null) => void)[] = [];

  function current(): Link {
    if (closed) throw new FacetError("engine-unavailable", "The engine was shut down.");
    if (running !== null) return running.link;
    if (stillborn >= startsInARow) {
      throw new FacetError(
        "engine-unavailable",
        `The ${role} engine ended ${String(stillborn)} times before it answered once; its words are in the log. Start Facet again.`,
      );
    }
    stillborn += 1;
    const process = launch(role);
    const started = { process, link: new RPCLink({ port: process.port }) };
    running = started;
    process.onExit((code) => {
      if (running === started) running = null;
      if (!closed) for (const listener of listeners) listener(code);
    });
    return started.link;
  }

  const link: Link = {
    async call(path, input, options) {
      try {
        const answer = await current().call(path, input, options);
        stillborn = 0;
        return isStream(answer) ? translated(answer, path, options.signal) : answer;
      } catch (error) {
        if (error instanceof ORPCError) stillborn = 0;
        throw translate(error, path, options.signal);
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
  path: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<unknown> {
  try {
    yield* stream;
  } catch (error) {
    throw translate(error, path, signal);
  }
}

/** Errors that the engine named come back as they were; a broken connection is named here. */
function translate(error: unknown, path: readonly string[], signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return new FacetError("cancelled", "Cancelled.", { cause: error });
  if (error instanceof FacetError) return error;
  const failure = error instanceof ORPCError ? readFailure(error) : null;
  if (failure !== null) return failure;
  if (error instanceof ORPCError) return error;
  return new FacetError(
    "engine-unavailable",
    `The engine stopped while it worked on "${path.join(".")}". Facet starts it again; try once more.`,
    { cause: error },
  );
}
