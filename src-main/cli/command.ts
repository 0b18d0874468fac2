/** What every command shares: global options, the studio behind it, interrupts, waiting for jobs. */
import { resolve } from "node:path";
import type { ContractRouterClient } from "@orpc/contract";
import type { Command } from "commander";
import type { ZodType } from "zod";
import type { Failure } from "../../src-preload/contract/common.ts";
import type { StudioContract } from "../../src-preload/contract/index.ts";
import { defaultLibraryFolder } from "../library-folder.ts";
import type { Output } from "./output.ts";

export type StudioClient = ContractRouterClient<StudioContract>;

/** A studio as a command needs it. */
export interface OpenStudio {
  readonly client: StudioClient;
  close(): Promise<void>;
}

/** Everything from outside, handed in so that commands can be tried without a process. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly output: Output;
  /** Aborts at the first Ctrl+C. */
  readonly interrupt: AbortSignal;
  readonly openStudio: (library: string) => Promise<OpenStudio>;
}

/** A command that did its work as far as it went, and says that not all went well: exit 1. */
export class CommandFailure extends Error {
  readonly failure: Failure;
  /** Goes into the JSON document beside the error. */
  readonly rest: Readonly<Record<string, unknown>>;

  constructor(failure: Failure, rest: Readonly<Record<string, unknown>> = {}) {
    super(failure.message);
    this.failure = failure;
    this.rest = rest;
  }
}

/** Options or arguments that make no sense together: exit 2. */
export class UsageError extends Error {}

export interface GlobalOptions {
  readonly json?: boolean;
  readonly library?: string;
}

export function libraryFolder(options: GlobalOptions, env: Surroundings["env"]): string {
  return options.library === undefined ? defaultLibraryFolder(env) : resolve(options.library);
}

/** Opens the library for one command and closes it whatever happens. */
export async function withStudio<R>(
  command: Command,
  { env, openStudio }: Surroundings,
  use: (client: StudioClient) => Promise<R>,
): Promise<R> {
  const studio = await openStudio(libraryFolder(command.optsWithGlobals<GlobalOptions>(), env));
  try {
    return await use(studio.client);
  } finally {
    await studio.close();
  }
}

/** Follows a job to its end and gives its result; Ctrl+C cancels it first. Finished jobs leave the studio's list. */
export async function jobResult<R>(
  client: StudioClient,
  id: string,
  result: ZodType<R>,
  { output, interrupt }: Surroundings,
): Promise<R> {
  const cancel = () => void client.jobs.cancel({ id }).catch(() => undefined);
  interrupt.addEventListener("abort", cancel, { once: true });
  if (interrupt.aborted) cancel();
  try {
    for await (const job of await client.jobs.watch()) {
      if (job.id !== id) continue;
      switch (job.state) {
        case "done":
          await client.jobs.dismiss({ id });
          return result.parse(job.result);
        case "failed":
          throw new CommandFailure(
            job.failure ?? { code: "unexpected", message: `${job.title} failed.` },
          );
        case "cancelled":
        case "interrupted": {
          const partial = result.safeParse(job.result);
          throw new CommandFailure(
            { code: "cancelled", message: `${job.title} was stopped.` },
            partial.success ? Object.fromEntries(Object.entries(partial.data ?? {})) : {},
          );
        }
        case "queued":
        case "running":
        case "paused":
          output.progress(job);
      }
    }
    throw new CommandFailure({
      code: "unexpected",
      message: "The studio was closed before the job ended.",
    });
  } finally {
    interrupt.removeEventListener("abort", cancel);
    output.clear();
  }
}
